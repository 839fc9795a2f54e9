//! One page with a picture and a table, which a browser shows without a network.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::graph::{Graph, Node};
use super::{machine, words};
use crate::commands::inventory::Inventory;

/// What finds rows by what is typed. The page's policy allows this script and no other.
const SCRIPT: &str = include_str!("../../../templates/inventory.js");

/// How far apart the middles of two things in a column are, in pixels.
const STEP: usize = 30;

/// How high and how wide a thing is.
const HEIGHT: usize = 22;
const WIDTH: usize = 320;

/// Where the columns begin.
const COLUMNS: [usize; 3] = [10, 445, 880];

/// How many characters of a name fit.
const FITTING: usize = 42;

#[derive(Template)]
#[template(path = "inventory.html")]
struct Page {
    script: &'static str,
    /// Of the script, for the content security policy.
    hash: String,
    summary: Vec<(usize, &'static str)>,
    picture: Picture,
    rows: Vec<PageRow>,
    problems: Vec<(&'static str, String)>,
}

struct Picture {
    height: usize,
    boxes: Vec<PictureBox>,
    curves: Vec<String>,
}

struct PictureBox {
    x: usize,
    y: usize,
    text_x: usize,
    text_y: usize,
    shown: String,
    whole: String,
    look: &'static str,
}

struct PageRow {
    state: &'static str,
    title: String,
    pods: usize,
    outdated: usize,
    account: String,
    client_id: String,
    source: String,
    tenant: String,
    audience: String,
    with: String,
    without: String,
}

/// The page.
pub fn page(inventory: &Inventory) -> askama::Result<String> {
    let rows = inventory.rows.iter().map(|row| {
        let with = words::containers(row, row.with());
        let without = words::containers(row, row.without());
        PageRow {
            state: row.state.name(),
            title: row.title(),
            pods: row.pods,
            outdated: row.outdated.len(),
            account: row.service_account.clone(),
            client_id: words::client_id(row),
            source: row.source().map(machine::source).unwrap_or_default(),
            tenant: row.tenant_id().unwrap_or_default().to_owned(),
            audience: row.audience().unwrap_or_default().to_owned(),
            with: with.join(", "),
            without: without.join(", "),
        }
    });
    let problems = inventory.complaints.iter();
    let problems = problems.map(|complaint| (complaint.level.name(), complaint.text.clone()));
    let page = Page {
        script: SCRIPT,
        hash: STANDARD.encode(Sha256::digest(SCRIPT)),
        summary: vec![
            (inventory.rows.len(), "workloads with an identity"),
            (inventory.others, "without"),
            (inventory.identities.len(), "identities"),
            (inventory.shared(), "shared identities"),
            (inventory.unused(), "unused ServiceAccounts"),
            (inventory.outdated(), "pods out of date"),
        ],
        picture: picture(&Graph::of(inventory)),
        rows: rows.collect(),
        problems: problems.collect(),
    };
    page.render()
}

/// The picture of a graph: three columns, and curves between them.
fn picture(graph: &Graph) -> Picture {
    let columns = [&graph.workloads, &graph.accounts, &graph.identities];
    let most = columns.iter().map(|column| column.len()).max();
    let most = most.unwrap_or_default();
    let height = most.saturating_mul(STEP).saturating_add(STEP);
    // Each column is spread over the whole height.
    let middle = |column: usize, index: usize| {
        let count = columns.get(column).map_or(1, |column| column.len().max(1));
        let share = height.saturating_mul(index.saturating_mul(2).saturating_add(1));
        share
            .checked_div(count.saturating_mul(2))
            .unwrap_or_default()
    };
    let mut boxes = Vec::new();
    for (column, (nodes, x)) in columns.into_iter().zip(COLUMNS).enumerate() {
        for (index, node) in nodes.iter().enumerate() {
            boxes.push(picture_box(node, x, middle(column, index)));
        }
    }
    let [workloads, accounts, identities] = COLUMNS;
    let uses = graph
        .uses
        .iter()
        .map(|(from, to)| curve(workloads, middle(0, *from), accounts, middle(1, *to)));
    let names = graph
        .names
        .iter()
        .map(|(from, to)| curve(accounts, middle(1, *from), identities, middle(2, *to)));
    Picture {
        height,
        boxes,
        curves: uses.chain(names).collect(),
    }
}

fn picture_box(node: &Node, x: usize, middle: usize) -> PictureBox {
    let mut shown: String = node.label.chars().take(FITTING).collect();
    if shown.len() < node.label.len() {
        shown.push('…');
    }
    PictureBox {
        x,
        y: middle.saturating_sub(HEIGHT / 2),
        text_x: x.saturating_add(8),
        text_y: middle.saturating_add(4),
        shown,
        whole: node.label.clone(),
        look: node.look.name(),
    }
}

/// A curve from the right side of a thing to the left side of another.
fn curve(from: usize, from_y: usize, to: usize, to_y: usize) -> String {
    let start = from.saturating_add(WIDTH);
    let half = to.saturating_sub(start) / 2;
    let bend = start.saturating_add(half);
    format!("M{start} {from_y}C{bend} {from_y} {bend} {to_y} {to} {to_y}")
}
