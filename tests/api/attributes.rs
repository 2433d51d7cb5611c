//! The attributes of items: which are part of the API, and which keep an item out of it.

use quote::ToTokens;
use syn::{Attribute, Item};

/// Those that change what a user can do.
const KEPT: [&str; 7] =
    ["cfg", "derive", "non_exhaustive", "must_use", "deprecated", "repr", "from"];

/// An item's attributes.
pub(crate) fn of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is compiled for tests alone.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        let is_asked = |what: &str| text.contains(what) && !text.contains(&format!("not ({what}"));
        attribute.path().is_ident("cfg")
            && ["test", "doctest", "loom", "anysock_faults"].into_iter().any(is_asked)
    })
}

/// Keeps those that are part of the API.
pub(crate) fn reduce(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| {
        let is_hidden = attribute.meta.to_token_stream().to_string() == "doc (hidden)";
        is_hidden || KEPT.into_iter().any(|kept| attribute.path().is_ident(kept))
    });
}
