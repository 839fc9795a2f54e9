//! Graphs of workloads, ServiceAccounts and identities.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::commands::inventory::{Inventory, Row, State};
use crate::output::count;

/// Up to how many workloads each of them is in a graph; else those of a ServiceAccount are one.
const MOST: usize = 300;

/// A graph in three columns.
#[derive(Debug, Default)]
pub struct Graph {
    /// The workloads, by what they are called.
    pub workloads: Vec<Node>,
    /// The ServiceAccounts.
    pub accounts: Vec<Node>,
    /// The client IDs.
    pub identities: Vec<Node>,
    /// From a workload to a ServiceAccount, by index.
    pub uses: BTreeSet<(usize, usize)>,
    /// From a ServiceAccount to an identity, by index.
    pub names: BTreeSet<(usize, usize)>,
}

/// A thing in a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is called.
    pub label: String,
    /// What is to be seen at once.
    pub look: Look,
}

/// How a thing looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// As all others.
    Plain,
    /// It is not used, or is used from several namespaces, or is out of date.
    Warning,
    /// It is rejected.
    Error,
}

impl Look {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Nodes by their names, in the order in which they come.
#[derive(Default)]
struct Nodes {
    indexes: BTreeMap<String, usize>,
    nodes: Vec<Node>,
}

impl Nodes {
    fn index(&mut self, label: String, look: Look) -> usize {
        let next = self.nodes.len();
        let index = *self.indexes.entry(label.clone()).or_insert(next);
        match self.nodes.get_mut(index) {
            Some(node) => node.look = node.look.max(look),
            None => self.nodes.push(Node { label, look }),
        }
        index
    }
}

/// A ServiceAccount by namespace and name.
type AccountName<'i> = (&'i str, &'i str);

impl Graph {
    /// The graph of an inventory: identities in the order of client IDs, what uses them beside them.
    pub fn of(inventory: &Inventory) -> Self {
        let mut named: BTreeMap<AccountName<'_>, BTreeSet<String>> = BTreeMap::new();
        let mut users: BTreeMap<AccountName<'_>, Vec<&Row>> = BTreeMap::new();
        for row in &inventory.rows {
            let account = (row.namespace.as_str(), row.service_account.as_str());
            named.entry(account).or_default().extend(row.client_ids());
            users.entry(account).or_default().push(row);
        }
        for ((namespace, name), account) in &inventory.accounts {
            let names = named.entry((namespace, name)).or_default();
            if !account.is_used {
                names.insert(account.client_id.to_lowercase());
            }
        }
        let mut ordered: Vec<_> = named.into_iter().collect();
        ordered.sort_by_cached_key(|(account, names)| {
            let first = names.first().cloned();
            (first.is_none(), first, *account)
        });
        let are_many = inventory.rows.len() > MOST;
        let mut workloads = Nodes::default();
        let mut accounts = Nodes::default();
        let mut identities = Nodes::default();
        let mut graph = Self::default();
        for (account, client_ids) in ordered {
            let rows = users.get(&account).map(Vec::as_slice).unwrap_or_default();
            let (namespace, name) = account;
            let look = match rows {
                [] => Look::Warning,
                _ => Look::Plain,
            };
            let index = accounts.index(format!("{namespace}/{name}"), look);
            for row in rows {
                let title = if are_many {
                    format!("{} of {namespace}/{name}", count(rows.len(), "workload"))
                } else {
                    row.title()
                };
                let workload = workloads.index(title, look_of(row));
                graph.uses.insert((workload, index));
            }
            for client_id in client_ids {
                let users = inventory.identities.get(&client_id);
                let is_shared = users.is_some_and(|users| users.namespaces().len() > 1);
                let look = if is_shared {
                    Look::Warning
                } else {
                    Look::Plain
                };
                let identity = identities.index(client_id, look);
                graph.names.insert((index, identity));
            }
        }
        graph.workloads = workloads.nodes;
        graph.accounts = accounts.nodes;
        graph.identities = identities.nodes;
        graph
    }

    /// The columns, each with the letter that its nodes begin with.
    fn columns(&self) -> [(&'static str, &[Node]); 3] {
        [
            ("w", &self.workloads),
            ("s", &self.accounts),
            ("i", &self.identities),
        ]
    }

    /// The edges, by the letters and indexes of their ends.
    fn edges(&self) -> impl Iterator<Item = (String, String)> {
        let uses = self
            .uses
            .iter()
            .map(|(from, to)| (format!("w{from}"), format!("s{to}")));
        let names = self
            .names
            .iter()
            .map(|(from, to)| (format!("s{from}"), format!("i{to}")));
        uses.chain(names)
    }
}

fn look_of(row: &Row) -> Look {
    match row.state {
        State::Rejected(_) => Look::Error,
        _ if !row.outdated.is_empty() => Look::Warning,
        _ => Look::Plain,
    }
}

/// How many edges, and how many characters, Mermaid draws unless its configuration says otherwise.
const MERMAID: (usize, usize) = (500, 50_000);

/// The graph for Mermaid.
pub fn mermaid(inventory: &Inventory) -> String {
    let graph = Graph::of(inventory);
    let text = flowchart(&graph);
    let edges = graph.edges().count();
    if edges <= MERMAID.0 && text.len() <= MERMAID.1 {
        return text;
    }
    format!(
        "%% Too large for Mermaid as it is on most sites: {edges} edges of {}, {} characters of {}. Use -o html or -o dot.\n{text}",
        MERMAID.0,
        text.len(),
        MERMAID.1
    )
}

fn flowchart(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (letter, nodes) in graph.columns() {
        for (index, node) in nodes.iter().enumerate() {
            let label = entities(&node.label);
            let (open, close) = match letter {
                "w" => ("[", "]"),
                "s" => ("([", "])"),
                _ => ("{{", "}}"),
            };
            let class = match node.look {
                Look::Plain => String::new(),
                look => format!(":::{}", look.name()),
            };
            _ = writeln!(text, "  {letter}{index}{open}\"{label}\"{close}{class}");
        }
    }
    for (from, to) in graph.edges() {
        _ = writeln!(text, "  {from} --> {to}");
    }
    text.push_str("  classDef warning stroke:#b8860b,stroke-width:3px\n  classDef error stroke:#c0392b,stroke-width:3px\n");
    text
}

/// A label without characters that mean something to Mermaid.
fn entities(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    for character in label.chars() {
        if character.is_alphanumeric() || " -_/.".contains(character) {
            text.push(character);
        } else {
            _ = write!(text, "#{};", u32::from(character));
        }
    }
    text
}

/// The graph for Graphviz.
pub fn dot(inventory: &Inventory) -> String {
    let graph = Graph::of(inventory);
    let mut text =
        "digraph identities {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box];\n"
            .to_owned();
    for (letter, nodes) in graph.columns() {
        let shape = match letter {
            "w" => "box",
            "s" => "oval",
            _ => "hexagon",
        };
        for (index, node) in nodes.iter().enumerate() {
            let colour = match node.look {
                Look::Plain => "",
                Look::Warning => ", color=darkgoldenrod, penwidth=3",
                Look::Error => ", color=firebrick, penwidth=3",
            };
            let label = quoted(&node.label);
            _ = writeln!(
                text,
                "  {letter}{index} [label={label}, shape={shape}{colour}];"
            );
        }
    }
    for (from, to) in graph.edges() {
        _ = writeln!(text, "  {from} -> {to};");
    }
    text.push_str("}\n");
    text
}

/// A string of Graphviz.
fn quoted(label: &str) -> String {
    let mut text = "\"".to_owned();
    for character in label.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}
