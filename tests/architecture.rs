//! Imports go down the floors of docs/architecture.md, and never round.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// A module's path in its crate; the root's is empty.
type Name = Vec<String>;

/// The modules of a crate.
type Modules = BTreeMap<Name, Module>;

/// What a module imports, tests left out.
#[derive(Default)]
struct Module {
    imports: Vec<Import>,
    children: BTreeSet<String>,
}

/// A path that a module names.
struct Import {
    path: Vec<String>,
    /// What `use` calls it; `None` for a path in code, and for all of a module.
    alias: Option<String>,
    is_reexport: bool,
}

impl Module {
    fn parse(source: &str) -> Self {
        let mut module = Self::default();
        module.visit_file(&syn::parse_file(source).expect("Rust"));
        module
    }

    fn add_use(&mut self, tree: &UseTree, mut path: Vec<String>, is_reexport: bool) {
        let mut add = |path: Vec<String>, alias| {
            self.imports.push(Import {
                path,
                alias,
                is_reexport,
            });
        };
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.add_use(&inner.tree, path, is_reexport);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let alias = path.last().cloned();
                add(path, alias);
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                add(path, Some(name.ident.to_string()));
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                add(path, Some(rename.rename.to_string()));
            }
            UseTree::Glob(_) => add(path, None),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, path.clone(), is_reexport);
                }
            }
        }
    }

    /// A path in code. One name alone may be a variable.
    fn add_path(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.imports.push(Import {
                path,
                alias: None,
                is_reexport: false,
            });
        }
    }

    /// The paths in a macro's arguments, which are not parsed.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add_path(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons = u8::saturating_add(colons, 1);
                }
                other => {
                    self.add_path(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add_path(path);
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Const(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        assert!(
            item.content.is_none(),
            "mod {}: expected a file",
            item.ident
        );
        self.children.insert(item.ident.to_string());
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            let is_reexport = !matches!(item.vis, Visibility::Inherited);
            self.add_use(&item.tree, Vec::new(), is_reexport);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            self.add_path(segments.map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.add_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let condition = attribute.parse_args::<syn::Ident>();
    attribute.path().is_ident("cfg") && condition.is_ok_and(|condition| condition == "test")
}

/// Reads a module and those in its folder.
fn read(file: &Path, folder: &Path, name: Name, modules: &mut Modules) {
    let source = fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    let module = Module::parse(&source);
    for child in &module.children {
        let file = folder.join(format!("{child}.rs"));
        let name = [&name[..], std::slice::from_ref(child)].concat();
        read(&file, &folder.join(child), name, modules);
    }
    modules.insert(name, module);
}

/// A crate with this directory of sources, which paths may call `crate_name`.
fn crate_in(sources: &str) -> Modules {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(sources);
    let mut modules = Modules::new();
    read(&folder.join("lib.rs"), &folder, Name::new(), &mut modules);
    let main = folder.join("main.rs");
    if main.exists() {
        read(&main, &folder, vec!["main.rs".to_owned()], &mut modules);
    }
    modules
}

/// The floor of each room in the table of this section of docs/architecture.md.
fn floors(section: &str) -> BTreeMap<String, usize> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let page = fs::read_to_string(page).expect("docs/architecture.md");
    let heading = format!("## `{section}`");
    let (_, table) = page.split_once(&heading).expect("the section");
    let table = table.split("\n## ").next().expect("its text");
    let mut floors = BTreeMap::new();
    for row in table.lines() {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let Some(Ok(floor)) = cells.next().map(str::parse) else {
            continue;
        };
        for room in cells.next().expect("rooms").split(", ") {
            let room = room.trim_matches('`').to_owned();
            assert_eq!(floors.insert(room, floor), None, "{row}");
        }
    }
    floors
}

/// The path from the root of the crate; `None` if it leads out of the crate or to the module's own items.
fn absolute(path: &[String], name: &Name, modules: &Modules, crate_name: &str) -> Option<Name> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Name::new(),
        own if own == crate_name => Name::new(),
        "self" => name.clone(),
        "super" => name.split_last()?.1.to_vec(),
        child if modules[name].children.contains(child) => {
            [&name[..], std::slice::from_ref(first)].concat()
        }
        _ => return None,
    };
    for segment in rest {
        if segment == "super" {
            base.pop();
        } else {
            base.push(segment.clone());
        }
    }
    Some(base)
}

/// The module that defines what a path from the root names, re-exports followed.
fn definer(path: &[String], modules: &Modules, crate_name: &str) -> Name {
    let mut at = Name::new();
    for (index, segment) in path.iter().enumerate() {
        let below = [&at[..], std::slice::from_ref(segment)].concat();
        if modules.contains_key(&below) {
            at = below;
            continue;
        }
        let mut imports = modules[&at].imports.iter();
        let import = imports.find(|import| import.alias.as_ref() == Some(segment));
        let target = import.and_then(|import| absolute(&import.path, &at, modules, crate_name));
        return match target {
            Some(target) => {
                let rest = path.iter().skip(index).skip(1).cloned();
                let target: Name = target.into_iter().chain(rest).collect();
                definer(&target, modules, crate_name)
            }
            None => at,
        };
    }
    at
}

/// The rooms that each module names in its paths, whoever defines what it takes from there.
fn named_rooms<'m>(
    modules: &'m Modules,
    crate_name: &str,
) -> impl Iterator<Item = (&'m Name, BTreeSet<String>)> {
    modules.iter().map(move |(name, module)| {
        let imports = module.imports.iter();
        let paths = imports.filter_map(|import| absolute(&import.path, name, modules, crate_name));
        let rooms = paths.filter_map(|path| {
            let first = path.into_iter().next()?;
            modules[&Name::new()]
                .children
                .contains(&first)
                .then_some(first)
        });
        (name, rooms.filter(|other| other != room(name)).collect())
    })
}

/// The modules whose items each module uses.
fn arrows(modules: &Modules, crate_name: &str) -> BTreeMap<Name, BTreeSet<Name>> {
    let mut arrows = BTreeMap::new();
    for (name, module) in modules {
        let mut targets = BTreeSet::new();
        for import in &module.imports {
            let Some(path) = absolute(&import.path, name, modules, crate_name) else {
                continue;
            };
            let target = definer(&path, modules, crate_name);
            let shows_its_own = import.is_reexport && target.starts_with(name);
            if target != *name && !shows_its_own {
                targets.insert(target);
            }
        }
        arrows.insert(name.clone(), targets);
    }
    arrows
}

fn room(name: &Name) -> &str {
    name.first().map_or("lib.rs", String::as_str)
}

fn shown(name: &Name) -> String {
    if name.is_empty() {
        "lib.rs".to_owned()
    } else {
        name.join("::")
    }
}

/// All modules that can be reached from one.
fn reachable(from: &Name, arrows: &BTreeMap<Name, BTreeSet<Name>>) -> BTreeSet<Name> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Name> = arrows[from].iter().collect();
    while let Some(name) = next.pop() {
        if reached.insert(name.clone()) {
            next.extend(&arrows[name]);
        }
    }
    reached
}

/// Everything that breaks the rules of docs/architecture.md.
fn faults(modules: &Modules, crate_name: &str, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let rooms: BTreeSet<&str> = modules.keys().map(room).collect();
    let listed: BTreeSet<&str> = floors.keys().map(String::as_str).collect();
    let mut faults: Vec<_> = rooms
        .symmetric_difference(&listed)
        .map(|room| format!("{room}: expected it in the code and in the table, found one of them"))
        .collect();
    for (from, others) in named_rooms(modules, crate_name) {
        for other in others {
            let (Some(own), Some(floor)) = (floors.get(room(from)), floors.get(&other)) else {
                continue;
            };
            if floor >= own {
                let direction = if floor == own { "beside" } else { "above" };
                let from = shown(from);
                faults.push(format!("{from} imports {other}, which is {direction} it"));
            }
        }
    }
    let arrows = arrows(modules, crate_name);
    let reached: BTreeMap<_, _> = arrows
        .keys()
        .map(|name| (name, reachable(name, &arrows)))
        .collect();
    let circles: BTreeSet<Vec<String>> = reached
        .iter()
        .filter(|(name, reached)| reached.contains(**name))
        .map(|(name, others)| {
            let circle = others.iter().filter(|other| reached[other].contains(*name));
            circle.map(shown).collect()
        })
        .collect();
    faults.extend(
        circles
            .iter()
            .map(|circle| format!("{} import each other in a circle", circle.join(", "))),
    );
    faults
}

const NONE: [String; 0] = [];

#[test]
fn the_policy_imports_downwards_only() {
    let modules = crate_in("src");
    let faults = faults(&modules, "azure_workload_identity_policy", &floors("src"));
    assert_eq!(faults, NONE, "\n{}", faults.join("\n"));
}

#[test]
fn the_program_imports_downwards_only() {
    let modules = crate_in("cli/src");
    let faults = faults(&modules, "azwi_policy", &floors("cli/src"));
    assert_eq!(faults, NONE, "\n{}", faults.join("\n"));
}

#[test]
fn each_rule_is_held() {
    let files = [
        (
            "",
            "mod low; mod beside; mod high; use high::A; mod unlisted;",
        ),
        (
            "low",
            "mod a; mod b; pub use a::A; fn f(b: u8) { dbg!(1, [crate::high::A], b) }",
        ),
        (
            "low::a",
            "use super::b::B; pub struct A; #[cfg(test)] mod tests;",
        ),
        ("low::b", "pub struct B; impl From<super::A> for B {}"),
        (
            "beside",
            "use crate::low::A; #[cfg(test)] use crate::high::A as B; fn f() { own::high::f() }",
        ),
        (
            "high",
            "pub use crate::low::A; use std::fs; use crate::{low, beside::*};",
        ),
        ("unlisted", ""),
    ];
    let modules = files.map(|(name, source)| {
        let name = name.split("::").filter(|part| !part.is_empty());
        (name.map(str::to_owned).collect(), Module::parse(source))
    });
    let floors = [
        ("low", 1),
        ("beside", 1),
        ("high", 2),
        ("lib.rs", 3),
        ("gone", 4),
    ];
    let floors = floors.map(|(room, floor)| (room.to_owned(), floor));
    assert_eq!(
        faults(&modules.into(), "own", &floors.into()),
        [
            "gone: expected it in the code and in the table, found one of them",
            "unlisted: expected it in the code and in the table, found one of them",
            "beside imports high, which is above it",
            "beside imports low, which is beside it",
            "low imports high, which is above it",
            "beside, high import each other in a circle",
            "low::a, low::b import each other in a circle",
        ]
    );
}
