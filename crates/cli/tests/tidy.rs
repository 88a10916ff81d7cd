//! The rules of the house that a program can hold: layers, lengths, names, and no file that nobody includes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::Visit;

/// A file's lines without its tests.
const FILE_LINES_MAX: usize = 500;
/// A function's lines, from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Names that say nothing about what is inside.
const BANNED_STEMS: [&str; 9] = ["utils", "util", "common", "types", "helpers", "helper", "misc", "manager", "data"];
/// The load side and the server side share only the wire types.
const NEVER_MEET: [(&str, [&str; 3]); 1] =
    [("rushhour-load", ["rushhour-server", "rushhour-store", "rushhour-pipeline"])];

fn crates_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every crate's folder.
fn crates() -> Vec<PathBuf> {
    let items = std::fs::read_dir(crates_dir()).unwrap().map(|item| item.unwrap().path());
    let mut dirs: Vec<_> = items.filter(|path| path.join("Cargo.toml").is_file()).collect();
    dirs.sort();
    dirs
}

/// Every Rust file below `dir`.
fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(listing) = std::fs::read_dir(dir) else { return files };
    for path in listing.map(|item| item.unwrap().path()) {
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn parse(path: &Path) -> syn::File {
    let text = std::fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

struct Manifest {
    name: String,
    layer: i64,
    dependencies: BTreeSet<String>,
}

fn manifest(dir: &Path) -> Manifest {
    let text = std::fs::read_to_string(dir.join("Cargo.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let at =
        |path: &[&str]| path.iter().try_fold(&toml::Value::Table(table.clone()), |value, key| value.get(key)).cloned();
    let layer = at(&["package", "metadata", "house", "layer"]).and_then(|layer| layer.as_integer());
    let dependencies = at(&["dependencies"]).and_then(|value| value.as_table().cloned()).unwrap_or_default();
    Manifest {
        name: at(&["package", "name"]).unwrap().as_str().unwrap().to_owned(),
        layer: layer.unwrap_or_else(|| panic!("{} names no layer", dir.display())),
        dependencies: dependencies.keys().filter(|name| name.starts_with("rushhour")).cloned().collect(),
    }
}

#[test]
fn dependencies_point_to_lower_layers_and_the_two_halves_never_meet() {
    let manifests: BTreeMap<String, Manifest> =
        crates().iter().map(|dir| manifest(dir)).map(|manifest| (manifest.name.clone(), manifest)).collect();
    for manifest in manifests.values() {
        for name in &manifest.dependencies {
            let lower = manifests.get(name).unwrap_or_else(|| panic!("{name} is no crate of this workspace"));
            assert!(lower.layer < manifest.layer, "{} must not depend on {name}", manifest.name);
        }
    }
    for (name, others) in NEVER_MEET {
        for other in others {
            assert!(!reaches(&manifests, name, other), "{name} must not reach {other}");
        }
    }
}

fn reaches(manifests: &BTreeMap<String, Manifest>, from: &str, to: &str) -> bool {
    let dependencies = manifests.get(from).map(|manifest| &manifest.dependencies);
    dependencies.is_some_and(|names| names.iter().any(|name| name == to || reaches(manifests, name, to)))
}

/// The line at which the tests of a file begin, or its end.
fn code_lines(file: &syn::File, text: &str) -> usize {
    let tests = file.items.iter().find(|item| matches!(item, syn::Item::Mod(module) if is_test(module)));
    tests.map_or_else(|| text.lines().count(), |item| item.span().start().line - 1)
}

fn is_test(module: &syn::ItemMod) -> bool {
    module.attrs.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

#[derive(Default)]
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn note(&mut self, signature: &syn::Signature, whole: proc_macro2::Span) {
        let lines = whole.end().line - signature.span().start().line + 1;
        self.0.push((signature.ident.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, function.span());
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, function.span());
        syn::visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn files_and_functions_fit_in_a_head() {
    for path in crates().iter().flat_map(|dir| rust_files(dir)) {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = parse(&path);
        let lines = code_lines(&file, &text);
        assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines", path.display());
        let mut functions = Functions::default();
        functions.visit_file(&file);
        for (name, lines) in functions.0 {
            assert!(lines <= FUNCTION_LINES_MAX, "{name} in {} has {lines} lines", path.display());
        }
    }
}

#[test]
fn files_are_named_for_what_is_in_them_and_say_so_first() {
    for path in crates().iter().flat_map(|dir| rust_files(dir)) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(!BANNED_STEMS.contains(&stem), "{} says nothing by its name", path.display());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not say what it is", path.display());
    }
}

/// The files that `path` includes with `mod`, and those that they include.
fn included(path: &Path, found: &mut BTreeSet<PathBuf>) {
    found.insert(path.canonicalize().unwrap());
    let stem = path.file_stem().unwrap();
    let is_root = ["lib", "main"].iter().any(|root| stem == *root) || is_test_root(path);
    let dir = if is_root { path.parent().unwrap().to_owned() } else { path.with_extension("") };
    for item in parse(path).items {
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
        {
            let named = named_path(&module).map(|name| path.parent().unwrap().join(name));
            included(&named.unwrap_or_else(|| dir.join(format!("{}.rs", module.ident))), found);
        }
    }
}

/// What `#[path = "…"]` says: tests of several crates share what they stand on.
fn named_path(module: &syn::ItemMod) -> Option<String> {
    let attribute = module.attrs.iter().find(|attribute| attribute.path().is_ident("path"))?;
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) => Some(name.value()),
        _ => None,
    }
}

fn is_test_root(path: &Path) -> bool {
    path.parent()
        .unwrap()
        .file_name()
        .is_some_and(|dir| ["tests", "benches", "examples", "fuzz_targets"].iter().any(|name| dir == *name))
}

#[test]
fn every_file_is_included_by_another() {
    for dir in crates() {
        let mut found = BTreeSet::new();
        let src = ["src/lib.rs", "src/main.rs"].map(|root| dir.join(root));
        let loose =
            ["tests", "benches", "examples", "fuzz/fuzz_targets"].iter().flat_map(|kind| rust_files(&dir.join(kind)));
        let roots = loose.filter(|path| is_test_root(path) || path.file_stem().unwrap() == "main");
        for root in src.into_iter().filter(|root| root.is_file()).chain(roots) {
            included(&root, &mut found);
        }
        for path in rust_files(&dir).into_iter().filter(|path| path.file_name().unwrap() != "build.rs") {
            assert!(found.contains(&path.canonicalize().unwrap()), "{} is included by nothing", path.display());
        }
    }
}
