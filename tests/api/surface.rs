//! What a crate offers: its public items less documentation, bodies and what is private.

use std::collections::{BTreeSet, HashSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Block, Field, Fields, File, ImplItem, Item, ItemImpl, ItemMacro, TraitItem, Type, Visibility,
    parse_quote,
};

use crate::paths::is_public;
use crate::sources::Module;
use crate::{attributes, macros};

/// The items as text, by name, each with its implementations.
pub(crate) fn of(module: &Module) -> String {
    let mut items = Vec::new();
    gather(module, &mut items);
    let private = private_names(&items);
    let makers: HashSet<String> = items.iter().filter_map(maker).collect();
    let kept: BTreeSet<(String, u8, String)> =
        items.into_iter().filter_map(|item| reduced(item, &private, &makers)).collect();
    kept.into_iter().map(|(_, _, text)| text + "\n").collect()
}

fn gather(module: &Module, items: &mut Vec<Item>) {
    items.extend(module.items.iter().cloned());
    module.modules.iter().for_each(|(_, below)| gather(below, items));
}

/// The types and traits that are of no concern outside.
fn private_names(items: &[Item]) -> HashSet<String> {
    let declared = |wanted: bool| {
        items.iter().filter_map(move |item| {
            let (visibility, name) = match item {
                Item::Enum(item) => (&item.vis, &item.ident),
                Item::Struct(item) => (&item.vis, &item.ident),
                Item::Trait(item) => (&item.vis, &item.ident),
                Item::Type(item) => (&item.vis, &item.ident),
                _ => return None,
            };
            (is_public(visibility) == wanted).then(|| name.to_string())
        })
    };
    let public: HashSet<String> = declared(true).collect();
    declared(false).filter(|name| !public.contains(name)).collect()
}

/// The name of a macro that makes items.
fn maker(item: &Item) -> Option<String> {
    match item {
        Item::Macro(ItemMacro { ident: Some(name), mac, .. })
            if macros::makes_items(&mac.tokens) && !mentions(mac.tokens.clone(), &for_faults()) =>
        {
            Some(name.to_string())
        }
        _ => None,
    }
}

/// What only the suite of faults can name: its system calls are no user's.
fn for_faults() -> HashSet<String> {
    HashSet::from(["anysock_faults".into()])
}

/// What is left of an item, under what it is sorted by: a name, what comes first of it, the text.
fn reduced(
    mut item: Item,
    private: &HashSet<String>,
    makers: &HashSet<String>,
) -> Option<(String, u8, String)> {
    let (name, rank) = match &mut item {
        Item::Const(item) if is_public(&item.vis) => (item.ident.to_string(), 0),
        Item::Static(item) if is_public(&item.vis) => (item.ident.to_string(), 0),
        Item::Type(item) if is_public(&item.vis) => (item.ident.to_string(), 0),
        Item::Fn(item) if is_public(&item.vis) => {
            *item.block = empty();
            (item.sig.ident.to_string(), 0)
        }
        Item::Struct(item) if is_public(&item.vis) => {
            reduce_fields(&mut item.fields);
            (item.ident.to_string(), 0)
        }
        Item::Enum(item) if is_public(&item.vis) => {
            for variant in &mut item.variants {
                attributes::reduce(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| attributes::reduce(&mut field.attrs));
            }
            (item.ident.to_string(), 0)
        }
        Item::Trait(item) if is_public(&item.vis) => {
            item.items.iter_mut().for_each(reduce_trait_item);
            (item.ident.to_string(), 0)
        }
        Item::Impl(item) => {
            let rank = if item.trait_.is_some() { 2 } else { 1 };
            (reduce_impl(item, private)?, rank)
        }
        Item::Macro(item) => {
            let called = item.mac.path.segments.last()?.ident.to_string();
            let name = item.ident.as_ref().map_or(called, ToString::to_string);
            if !makers.contains(&name) {
                return None;
            }
            item.mac.tokens = macros::reduce(item.mac.tokens.clone());
            (format!("~{name}"), 3) // after all others
        }
        _ => return None,
    };
    reduce_attributes(&mut item);
    let text = prettyplease::unparse(&File { shebang: None, attrs: Vec::new(), items: vec![item] });
    Some((name, rank, text))
}

fn reduce_attributes(item: &mut Item) {
    match item {
        Item::Const(item) => attributes::reduce(&mut item.attrs),
        Item::Enum(item) => attributes::reduce(&mut item.attrs),
        Item::Fn(item) => attributes::reduce(&mut item.attrs),
        Item::Impl(item) => attributes::reduce(&mut item.attrs),
        Item::Macro(item) => attributes::reduce(&mut item.attrs),
        Item::Static(item) => attributes::reduce(&mut item.attrs),
        Item::Struct(item) => attributes::reduce(&mut item.attrs),
        Item::Trait(item) => attributes::reduce(&mut item.attrs),
        Item::Type(item) => attributes::reduce(&mut item.attrs),
        _ => {}
    }
}

/// Private fields become one `_`: that there are any is what a user meets.
fn reduce_fields(fields: &mut Fields) {
    let reduce = |mut field: Field| {
        attributes::reduce(&mut field.attrs);
        field
    };
    match fields {
        Fields::Named(named) => {
            let all = std::mem::take(&mut named.named);
            let (public, private): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|field| is_public(&field.vis));
            named.named.extend(public.into_iter().map(reduce));
            if let Some(mut rest) = private.into_iter().next() {
                rest.attrs.clear();
                rest.vis = Visibility::Inherited;
                rest.ident = Some(parse_quote!(_private));
                rest.ty = parse_quote!(_);
                named.named.push(rest);
            }
        }
        Fields::Unnamed(unnamed) => {
            for field in &mut unnamed.unnamed {
                attributes::reduce(&mut field.attrs);
                if !is_public(&field.vis) {
                    field.vis = Visibility::Inherited;
                    field.ty = parse_quote!(_);
                }
            }
        }
        Fields::Unit => {}
    }
}

fn reduce_trait_item(item: &mut TraitItem) {
    match item {
        TraitItem::Fn(item) => {
            attributes::reduce(&mut item.attrs);
            if let Some(body) = &mut item.default {
                *body = empty();
            }
        }
        TraitItem::Type(item) => attributes::reduce(&mut item.attrs),
        TraitItem::Const(item) => attributes::reduce(&mut item.attrs),
        _ => {}
    }
}

/// Leaves of an implementation what is public; the type's name, unless nothing is.
fn reduce_impl(item: &mut ItemImpl, private: &HashSet<String>) -> Option<String> {
    let of_trait = item.trait_.as_ref().map(|(_, path, _)| path.to_token_stream());
    let names_private = |tokens: TokenStream| mentions(tokens, private);
    if names_private(item.self_ty.to_token_stream()) || of_trait.clone().is_some_and(names_private)
    {
        return None;
    }
    item.items.retain_mut(|inner| match inner {
        // A trait's methods are the trait's.
        ImplItem::Fn(method) if of_trait.is_none() && is_public(&method.vis) => {
            attributes::reduce(&mut method.attrs);
            method.block = empty();
            true
        }
        ImplItem::Const(value) => {
            attributes::reduce(&mut value.attrs);
            of_trait.is_some() || is_public(&value.vis)
        }
        ImplItem::Type(kind) => {
            attributes::reduce(&mut kind.attrs);
            true
        }
        _ => false,
    });
    (of_trait.is_some() || !item.items.is_empty()).then(|| name_of(&item.self_ty))
}

fn mentions(tokens: TokenStream, names: &HashSet<String>) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => names.contains(&ident.to_string()),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

fn name_of(kind: &Type) -> String {
    match kind {
        Type::Path(path) => path.path.segments.last().unwrap().ident.to_string(),
        other => other.to_token_stream().to_string(),
    }
}

fn empty() -> Block {
    parse_quote!({})
}
