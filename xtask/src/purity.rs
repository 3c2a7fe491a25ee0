//! `src/` outside `src/bindings/` touches nothing but its arguments, and no input makes it panic.
//!
//! Works on tokens, so that comments, doc comments with their examples, and strings are no code. Items under
//! `#[cfg(test)]` are free to do what they want.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What must not occur, as tokens. `(` stands for any opening bracket.
const FORBIDDEN: &[&[&str]] = &[
    &["std", ":", ":", "fs"],
    &["std", ":", ":", "net"],
    &["std", ":", ":", "time"],
    &["std", ":", ":", "env"],
    &["std", ":", ":", "process"],
    &["SystemTime"],
    &["Instant", ":", ":", "now"],
    &["Utc", ":", ":", "now"],
    &["Local", ":", ":", "now"],
    &["unsafe"],
    &["print", "!", "("],
    &["println", "!", "("],
    &["eprint", "!", "("],
    &["eprintln", "!", "("],
    &["dbg", "!", "("],
    &[".", "unwrap", "(", ")"],
    &[".", "expect", "("],
    &["panic", "!", "("],
    &["todo", "!", "("],
    &["unimplemented", "!", "("],
    &["unreachable", "!", "("],
];

/// What a rule may have meant: parts of these modules are mere types, which `core` has too.
const HINTS: [(&str, &str); 2] =
    [("`std::net`", " (addresses are in `core::net`)"), ("`std::time`", " (`Duration` is in `core::time`)")];

/// Every violation under `root/src`, as `file:line: what`.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let src = root.join("src");
    let mut files = Vec::new();
    collect(&src, &src.join("bindings"), &mut files)?;
    files.sort();

    let mut violations = Vec::new();
    let mut test_files = BTreeSet::new();
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let scan = Scan::of(&text).with_context(|| format!("cannot read `{}` as Rust", file.display()))?;
        let children = module_directory(file);
        test_files.extend(
            scan.test_modules
                .iter()
                .flat_map(|name| [children.join(format!("{name}.rs")), children.join(name).join("mod.rs")]),
        );
        violations.extend(scan.found.into_iter().map(|(line, what)| (file, line, what)));
    }
    violations.retain(|(file, ..)| !test_files.contains(*file));
    let shown = |file: &Path| file.strip_prefix(root).unwrap_or(file).display().to_string();
    let hint = |what: &str| HINTS.iter().find(|(of, _)| *of == what).map_or("", |(_, hint)| hint);
    Ok(violations
        .into_iter()
        .map(|(file, line, what)| format!("{}:{line}: {what}{}", shown(file), hint(&what)))
        .collect())
}

fn collect(directory: &Path, except: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let cannot = || format!("cannot read `{}`", directory.display());
    for entry in fs::read_dir(directory).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.is_dir() {
            if path != except {
                collect(&path, except, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Where the files of the modules that `file` declares lie.
fn module_directory(file: &Path) -> PathBuf {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("lib" | "mod") => file.with_file_name(""),
        _ => file.with_extension(""),
    }
}

/// One file, read.
struct Scan {
    /// Line and forbidden thing.
    found: Vec<(usize, String)>,
    /// Modules in files of their own that are compiled for tests only.
    test_modules: Vec<String>,
}

struct Token {
    text: String,
    line: usize,
}

impl Scan {
    fn of(text: &str) -> Result<Self> {
        let stream: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut tokens = Vec::new();
        let mut test_modules = Vec::new();
        flatten(stream, &mut tokens, &mut test_modules);
        let found = (0..tokens.len()).flat_map(|at| forbidden_at(&tokens[at..])).collect();
        Ok(Self { found, test_modules })
    }
}

/// What stands at the begin of these tokens and must not.
fn forbidden_at(tokens: &[Token]) -> Vec<(usize, String)> {
    let is = |token: &Token, wanted: &str| token.text == wanted || wanted == "(" && matches!(&*token.text, "[" | "{");
    let starts = |tokens: &[Token], pattern: &[&str]| {
        tokens.len() >= pattern.len() && pattern.iter().zip(tokens).all(|(wanted, token)| is(token, wanted))
    };
    let mut found: Vec<_> = FORBIDDEN
        .iter()
        .filter(|pattern| starts(tokens, pattern))
        .map(|pattern| (tokens[0].line, format!("`{}`", pattern.concat())))
        .collect();
    // `std::{fs, env}`
    if starts(tokens, &["std", ":", ":", "("]) {
        for (token, before) in group_members(&tokens[3..]) {
            if matches!(before, "{" | ",") {
                let path = ["std", ":", ":", &token.text];
                if FORBIDDEN.contains(&&path[..]) {
                    found.push((token.line, format!("`{}`", path.concat())));
                }
            }
        }
    }
    found
}

/// The tokens directly inside the bracket that opens at the first one, each with the text before it.
fn group_members(tokens: &[Token]) -> impl Iterator<Item = (&Token, &str)> {
    let mut depth = 0_usize;
    let inside = tokens.iter().take_while(move |token| {
        match &*token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        depth > 0
    });
    let mut depth = 0_usize;
    inside.skip(1).zip(tokens).filter_map(move |(token, before)| {
        match &*token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some((token, &*before.text))
    })
}

/// All tokens in a row, groups with their brackets, without what is compiled for tests only.
fn flatten(stream: TokenStream, tokens: &mut Vec<Token>, test_modules: &mut Vec<String>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        if let Some((attribute, inner, after)) = attribute(&trees, at)
            && is_test_only(&attribute)
        {
            if inner {
                return; // `#![cfg(test)]`: the whole file or block
            }
            at = after + skip_item(&trees[after..], test_modules);
            continue;
        }
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                tokens.push(Token { text: open.into(), line });
                flatten(group.stream(), tokens, test_modules);
                tokens.push(Token { text: close.into(), line: group.span_close().start().line });
            }
            other => tokens.push(Token { text: other.to_string(), line }),
        }
        at += 1;
    }
}

/// The attribute that begins at `at`: its inside, whether it is an inner one, and the place after it.
fn attribute(trees: &[TokenTree], at: usize) -> Option<(TokenStream, bool, usize)> {
    let punct = |at: usize, wanted: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == wanted);
    if !punct(at, '#') {
        return None;
    }
    let inner = punct(at + 1, '!');
    let at = at + 1 + usize::from(inner);
    match trees.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            Some((group.stream(), inner, at + 1))
        }
        _ => None,
    }
}

/// `cfg(test)`, or `cfg(all(…, test, …))`.
fn is_test_only(attribute: &TokenStream) -> bool {
    fn requires_test(group: &Group) -> bool {
        let trees: Vec<TokenTree> = group.stream().into_iter().collect();
        trees.iter().enumerate().any(|(at, tree)| match tree {
            // As a word of its own, and not as the name of a list or the key of a value.
            TokenTree::Ident(ident) if ident == "test" => {
                matches!(trees.get(at + 1), None | Some(TokenTree::Punct(_))) && !is_equals(trees.get(at + 1))
            }
            TokenTree::Ident(ident) if ident == "all" => {
                matches!(trees.get(at + 1), Some(TokenTree::Group(group)) if requires_test(group))
            }
            _ => false,
        })
    }
    fn is_equals(tree: Option<&TokenTree>) -> bool {
        matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
    }
    let trees: Vec<TokenTree> = attribute.clone().into_iter().collect();
    matches!(&trees[..], [TokenTree::Ident(name), TokenTree::Group(group)] if name == "cfg" && requires_test(group))
}

/// How many trees the item at the begin takes: up to its body or its semicolon. A module without a body is noted.
fn skip_item(trees: &[TokenTree], test_modules: &mut Vec<String>) -> usize {
    let end = trees.iter().position(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    });
    let length = end.map_or(trees.len(), |end| end + 1);
    if let [.., TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Punct(_)] = &trees[..length]
        && keyword == "mod"
    {
        test_modules.push(name.to_string());
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, String)> {
        Scan::of(text).expect("the snippet is Rust").found
    }

    fn violations(text: &str) -> Vec<String> {
        found(text).into_iter().map(|(line, what)| format!("{line}: {what}")).collect()
    }

    #[test]
    fn each_forbidden_thing_is_found_with_its_line() {
        let text = "use std::{collections::{fs, BTreeMap}, env, io};
use std::time::Duration;
fn f(x: Option<u8>) -> u8 {
    let a = std::fs::read(\"x\");
    x
        .unwrap();
    x.expect(\"why\");
    println!(\"{}\", Utc::now());
    unsafe { todo!() }
}
#[cfg(not(test))]
fn g() { panic![\"no\"] }";
        assert_eq!(
            violations(text),
            [
                "1: `std::env`",
                "2: `std::time`",
                "4: `std::fs`",
                "6: `.unwrap()`",
                "7: `.expect(`",
                "8: `println!(`",
                "8: `Utc::now`",
                "9: `unsafe`",
                "9: `todo!(`",
                "12: `panic!(`",
            ]
        );
    }

    #[test]
    fn comments_examples_strings_and_tests_are_no_code() {
        let text = r#"//! Never calls std::fs.
/// ```
/// assert_eq!(f().unwrap(), 1); // panic!("no")
/// ```
fn f<'a>(x: &'a str) -> Option<u8> {
    /* unsafe { /* todo!() */ } */
    let a = r"println!(1) std::env"; // x.unwrap()
    let quote = '"';
    let unwrap = x.unwrap_or("unreachable!()");
    let panic = 1;
    panic != 2
}
#[cfg(test)]
#[allow(dead_code)]
mod tests {
    fn g() { std::fs::read("x").unwrap(); }
}
#[cfg(all(test, feature = "js"))]
use std::fs;
fn after() {}"#;
        assert_eq!(violations(text), [""; 0]);
    }

    #[test]
    fn code_after_a_test_item_is_code_again() {
        assert_eq!(violations("#[cfg(test)]\nuse a::b;\nfn f() { todo!() }"), ["3: `todo!(`"]);
        assert_eq!(violations("#[cfg(any(test, unix))]\nfn f() { todo!() }"), ["2: `todo!(`"]);
        assert_eq!(violations("#[cfg(feature = \"test\")]\nfn f() { todo!() }"), ["2: `todo!(`"]);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_is_noted() {
        let scan = Scan::of("#[cfg(test)]\npub(crate) mod samples;\nmod period;").expect("the snippet is Rust");
        assert_eq!(scan.test_modules, ["samples"]);
        assert!(found("#![cfg(test)]\nfn f() { todo!() }").is_empty());
        assert_eq!(module_directory(Path::new("src/lib.rs")), Path::new("src/"));
        assert_eq!(module_directory(Path::new("src/usage.rs")), Path::new("src/usage"));
    }
}
