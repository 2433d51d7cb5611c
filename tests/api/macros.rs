//! Macros that make items: kept as they are written, less documentation and bodies.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Whether a macro's definition makes items that a user could meet.
pub(crate) fn makes_items(definition: &TokenStream) -> bool {
    definition.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "pub" || ident == "impl",
        TokenTree::Group(group) => makes_items(&group.stream()),
        _ => false,
    })
}

/// The same tokens without `#[doc ..]`, and with the bodies of functions empty.
pub(crate) fn reduce(tokens: TokenStream) -> TokenStream {
    let mut reduced: Vec<TokenTree> = Vec::new();
    let mut is_in_signature = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) if is_doc(&group) && ends_in_hash(&reduced) => {
                reduced.pop();
            }
            TokenTree::Group(group) => {
                let is_body = is_in_signature && group.delimiter() == Delimiter::Brace;
                is_in_signature &= !is_body;
                let inner = if is_body { TokenStream::new() } else { reduce(group.stream()) };
                reduced.push(Group::new(group.delimiter(), inner).into());
            }
            TokenTree::Ident(ident) => {
                is_in_signature |= ident == "fn";
                reduced.push(ident.into());
            }
            TokenTree::Punct(punct) => {
                is_in_signature &= punct.as_char() != ';';
                reduced.push(punct.into());
            }
            other => reduced.push(other),
        }
    }
    reduced.into_iter().collect()
}

fn is_doc(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(first)) if first == "doc")
}

fn ends_in_hash(tokens: &[TokenTree]) -> bool {
    matches!(tokens.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
}
