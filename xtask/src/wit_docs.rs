//! The rule that every item of `wit/` has a doc comment and a `@since`.

use std::path::Path;

use anyhow::{Context, Result};
use wit_parser::{Docs, Function, PackageId, Resolve, Span, Stability, Type, TypeDef, TypeDefKind, WorldItem};

/// Parses the package and its dependencies.
pub fn load(directory: &Path) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve.push_dir(directory).with_context(|| format!("cannot read `{}`", directory.display()))?;
    Ok((resolve, package))
}

/// Returns an error line, with file and line number, for each missing doc comment and `@since` of the package.
pub fn check(resolve: &Resolve, package: PackageId) -> Vec<String> {
    let package = &resolve.packages[package];
    let mut check = Check { resolve, missing: Vec::new() };
    if package.docs.is_empty() {
        check.missing.push(format!("package `{}` has no doc comment", package.name));
    }
    for (name, &id) in &package.interfaces {
        let interface = &resolve.interfaces[id];
        check.item(&format!("interface `{name}`"), &interface.docs, &interface.stability, interface.span);
        for &id in interface.types.values() {
            check.type_def(name, &resolve.types[id]);
        }
        for function in interface.functions.values() {
            check.function(name, function);
        }
    }
    for (name, &id) in &package.worlds {
        let world = &resolve.worlds[id];
        check.item(&format!("world `{name}`"), &world.docs, &world.stability, world.span);
        // The interfaces of a world are checked above or belong to another package.
        for item in world.imports.values().chain(world.exports.values()) {
            match item {
                WorldItem::Function(function) => check.function(name, function),
                WorldItem::Type { id, .. } => check.type_def(name, &resolve.types[*id]),
                WorldItem::Interface { .. } => {}
            }
        }
    }
    // A type that two worlds use is reported twice.
    check.missing.sort();
    check.missing.dedup();
    check.missing
}

struct Check<'a> {
    resolve: &'a Resolve,
    missing: Vec<String>,
}

impl Check<'_> {
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
        if self.is_imported(ty) {
            return;
        }
        let name = format!("{owner}.{name}");
        self.item(&format!("type `{name}`"), &ty.docs, &ty.stability, ty.span);
        let members: Vec<(_, &str, _, _)> = match &ty.kind {
            TypeDefKind::Record(ty) => ty.fields.iter().map(|m| ("field", &*m.name, &m.docs, m.span)).collect(),
            TypeDefKind::Enum(ty) => ty.cases.iter().map(|m| ("case", &*m.name, &m.docs, m.span)).collect(),
            TypeDefKind::Variant(ty) => ty.cases.iter().map(|m| ("case", &*m.name, &m.docs, m.span)).collect(),
            TypeDefKind::Flags(ty) => ty.flags.iter().map(|m| ("flag", &*m.name, &m.docs, m.span)).collect(),
            _ => Vec::new(),
        };
        for (kind, member, docs, span) in members {
            self.documented(&format!("{kind} `{name}.{member}`"), docs, span);
        }
    }

    /// Returns whether the type comes from `use a.{b}`; its definition is checked in `a`.
    fn is_imported(&self, ty: &TypeDef) -> bool {
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
    fn accepts_a_documented_package() {
        assert_eq!(missing(GOOD), [""; 0]);
    }

    #[test]
    fn reports_each_missing_doc_comment_with_its_place() {
        let items = [
            ("        /// A field.\n", "t.wit:17:9: field `i.r.f` has no doc comment"),
            ("        /// A case.\n", "t.wit:23:9: case `i.e.c` has no doc comment"),
            ("    /// A function.\n", "t.wit:27:5: function `i.go` has no doc comment"),
            ("    /// A word.\n", "t.wit:7:10: type `words.word` has no doc comment"),
            ("/// A world.\n", "t.wit:31:7: world `w` has no doc comment"),
            ("/// An interface.\n", "t.wit:11:11: interface `i` has no doc comment"),
            ("/// A package.\n", "package `a:b@0.1.0` has no doc comment"),
        ];
        for (comment, expected) in items {
            assert_eq!(missing(&GOOD.replace(comment, "")), [expected]);
        }
    }

    #[test]
    fn reports_a_missing_since() {
        let without = GOOD.replace("    @since(version = 0.1.0)\n    go:", "    go:");
        assert_eq!(missing(&without), ["t.wit:27:5: function `i.go` has no @since"]);
    }
}
