//! The paths by which the items of a crate are named.

use quote::ToTokens;
use syn::{Attribute, Ident, Item, UseTree, Visibility};

use crate::attributes;
use crate::sources::Module;

/// A line for each path, in order: of the crate's root, and of its public modules.
pub(crate) fn of(root: &str, module: &Module) -> String {
    let mut lines = Vec::new();
    collect(root, module, &mut lines);
    lines.sort();
    lines.concat()
}

fn collect(path: &str, module: &Module, lines: &mut Vec<String>) {
    for item in &module.items {
        let said = said(attributes::of(item));
        if let Item::Use(used) = item {
            if is_public(&used.vis) {
                imported(&used.tree, "", &mut |name, from| {
                    let inside = is_own(from);
                    let from = if inside { String::new() } else { format!(" = {from}") };
                    lines.push(format!("// {path}::{name}{from}{said}\n"));
                });
            }
        } else if let Some(name) = public_name(item) {
            lines.push(format!("// {path}::{name}{said}\n"));
        }
    }
    for (inner, below) in &module.modules {
        if is_public(&inner.vis) {
            let path = format!("{path}::{}", inner.ident);
            lines.push(format!("// {path}{}\n", said(&inner.attrs)));
            collect(&path, below, lines);
        }
    }
}

/// What is imported, by name and with its own full path.
fn imported(tree: &UseTree, before: &str, found: &mut dyn FnMut(String, &str)) {
    let join = |name: &dyn ToString| match before {
        "" => name.to_string(),
        before => format!("{before}::{}", name.to_string()),
    };
    match tree {
        UseTree::Path(path) => imported(&path.tree, &join(&path.ident), found),
        UseTree::Name(name) => found(name.ident.to_string(), &join(&name.ident)),
        UseTree::Rename(renamed) => found(renamed.rename.to_string(), &join(&renamed.ident)),
        UseTree::Glob(_) => found("*".into(), &join(&"*")),
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| imported(tree, before, found));
        }
    }
}

/// Whether a path leads to this crate's own item: where that lies is nobody's concern.
fn is_own(path: &str) -> bool {
    !path.starts_with("anysock")
}

fn public_name(item: &Item) -> Option<&Ident> {
    let (visibility, name) = match item {
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Static(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    is_public(visibility).then_some(name)
}

pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn said(attributes: &[Attribute]) -> String {
    let mut kept = attributes.to_vec();
    attributes::reduce(&mut kept);
    kept.retain(|attribute| {
        !attribute.path().is_ident("derive") && !attribute.path().is_ident("must_use")
    });
    kept.iter().map(|attribute| format!(" {}", attribute.to_token_stream())).collect()
}
