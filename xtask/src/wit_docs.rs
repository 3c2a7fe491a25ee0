//! Every item of `wit/` says what it is and since when.

use std::path::Path;

use anyhow::{Context, Result};
use wit_parser::{Docs, Function, PackageId, Resolve, Span, Stability, Type, TypeDef, TypeDefKind, WorldItem};

/// Read the package with its dependencies.
pub fn load(directory: &Path) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve.push_dir(directory).with_context(|| format!("cannot read `{}`", directory.display()))?;
    Ok((resolve, package))
}

/// The items of the package that lack a doc comment or a `@since`, with file and line.
pub fn check(resolve: &Resolve, package: PackageId) -> Vec<String> {
    let package = &resolve.packages[package];
    let mut audit = Audit { resolve, missing: Vec::new() };
    if package.docs.is_empty() {
        audit.missing.push(format!("package `{}` has no doc comment", package.name));
    }
    for (name, &id) in &package.interfaces {
        let interface = &resolve.interfaces[id];
        audit.item(&format!("interface `{name}`"), &interface.docs, &interface.stability, interface.span);
        for &id in interface.types.values() {
            audit.type_def(name, &resolve.types[id]);
        }
        for function in interface.functions.values() {
            audit.function(name, function);
        }
    }
    for (name, &id) in &package.worlds {
        let world = &resolve.worlds[id];
        audit.item(&format!("world `{name}`"), &world.docs, &world.stability, world.span);
        // Interfaces that a world names are described where they are defined.
        for item in world.imports.values().chain(world.exports.values()) {
            match item {
                WorldItem::Function(function) => audit.function(name, function),
                WorldItem::Type { id, .. } => audit.type_def(name, &resolve.types[*id]),
                WorldItem::Interface { .. } => {}
            }
        }
    }
    // An item that two worlds share is found twice.
    audit.missing.sort();
    audit.missing.dedup();
    audit.missing
}

struct Audit<'a> {
    resolve: &'a Resolve,
    missing: Vec<String>,
}

impl Audit<'_> {
    fn item(&mut self, what: &str, docs: &Docs, stability: &Stability, span: Span) {
        self.documented(what, docs, span);
        if stability.is_unknown() {
            self.missing.push(format!("{}: {what} has no @since", self.resolve.render_location(span)));
        }
    }

    fn documented(&mut self, what: &str, docs: &Docs, span: Span) {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            self.missing.push(format!("{}: {what} has no doc comment", self.resolve.render_location(span)));
        }
    }

    fn function(&mut self, owner: &str, function: &Function) {
        self.item(&format!("function `{owner}.{}`", function.name), &function.docs, &function.stability, function.span);
    }

    fn type_def(&mut self, owner: &str, ty: &TypeDef) {
        let Some(name) = ty.name.as_deref() else { return };
        if self.is_use(ty) {
            return;
        }
        let name = format!("{owner}.{name}");
        self.item(&format!("type `{name}`"), &ty.docs, &ty.stability, ty.span);
        match &ty.kind {
            TypeDefKind::Record(record) => {
                for field in &record.fields {
                    self.documented(&format!("field `{name}.{}`", field.name), &field.docs, field.span);
                }
            }
            TypeDefKind::Enum(cases) => {
                for case in &cases.cases {
                    self.documented(&format!("case `{name}.{}`", case.name), &case.docs, case.span);
                }
            }
            TypeDefKind::Variant(cases) => {
                for case in &cases.cases {
                    self.documented(&format!("case `{name}.{}`", case.name), &case.docs, case.span);
                }
            }
            TypeDefKind::Flags(flags) => {
                for flag in &flags.flags {
                    self.documented(&format!("flag `{name}.{}`", flag.name), &flag.docs, flag.span);
                }
            }
            _ => {}
        }
    }

    /// `use a.{b}` makes a type of its own in the tree; it is described where it is defined.
    fn is_use(&self, ty: &TypeDef) -> bool {
        matches!(ty.kind, TypeDefKind::Type(Type::Id(id)) if self.resolve.types[id].owner != ty.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(wit: &str) -> Vec<String> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("t.wit", wit).expect("the snippet parses");
        check(&resolve, package)
    }

    const GOOD: &str = "\
/// A package.
package a:b@0.1.0;
/// Words.
@since(version = 0.1.0)
interface words {
    /// A word.
    @since(version = 0.1.0)
    type word = string;
}
/// An interface.
@since(version = 0.1.0)
interface i {
    use words.{word};
    /// A record.
    @since(version = 0.1.0)
    record r {
        /// A field.
        f: word,
    }
    /// An enum.
    @since(version = 0.1.0)
    enum e {
        /// A case.
        c,
    }
    /// A function.
    @since(version = 0.1.0)
    go: func(r: r) -> e;
}
/// A world.
@since(version = 0.1.0)
world w { export i; }
";

    #[test]
    fn a_documented_package_passes() {
        assert_eq!(missing(GOOD), [""; 0]);
    }

    #[test]
    fn each_missing_comment_is_found_where_it_is_missing() {
        let items = [
            ("        /// A field.\n", "t.wit:17:9: field `i.r.f` has no doc comment"),
            ("        /// A case.\n", "t.wit:23:9: case `i.e.c` has no doc comment"),
            ("    /// A function.\n", "t.wit:27:5: function `i.go` has no doc comment"),
            ("    /// A word.\n", "t.wit:7:10: type `words.word` has no doc comment"),
            ("/// A world.\n", "t.wit:31:7: world `w` has no doc comment"),
            ("/// An interface.\n", "t.wit:11:11: interface `i` has no doc comment"),
            ("/// A package.\n", "package `a:b@0.1.0` has no doc comment"),
        ];
        for (comment, complaint) in items {
            assert_eq!(missing(&GOOD.replace(comment, "")), [complaint]);
        }
    }

    #[test]
    fn a_missing_since_is_found() {
        let without = GOOD.replace("    @since(version = 0.1.0)\n    go:", "    go:");
        assert_eq!(missing(&without), ["t.wit:27:5: function `i.go` has no @since"]);
    }
}
