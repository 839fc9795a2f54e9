//! Changes of values, as changes of the text that they are written in: nothing but what is new is written.

use std::ops::Range;

use azure_workload_identity_policy::messages::Excerpt;
use serde_json::Value;

use super::change::{Change, Item};
use super::nodes::{Content, Node, Style, behind_blank, end_of, field};
use super::writing::{self, Brackets, Indentation, flow, flow_field, is_filled};
use crate::input::lines::ValuePath;

/// A part of a text, and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    at: Range<usize>,
    text: String,
}

impl Edit {
    /// A text that is put in at a place.
    pub fn insertion(at: usize, text: String) -> Self {
        Self { at: at..at, text }
    }
}

/// The text with the edits; `None` if they are in each other's way. Those at one place come in their order.
pub fn edited(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for Edit { at, text: new } in edits {
        result.push_str(text.get(done..at.start)?);
        result.push_str(&new);
        done = at.end;
    }
    result.push_str(text.get(done..)?);
    Some(result)
}

/// Collects the edits of a document.
pub struct Editor<'t> {
    /// The text of the whole file.
    text: &'t str,
    /// The part of it that is the document.
    document: Range<usize>,
    eol: &'static str,
    is_json: bool,
    indentation: Indentation,
    edits: Vec<Edit>,
    elsewhere: Vec<String>,
}

/// What is around a value.
#[derive(Clone, Copy)]
struct Around<'n> {
    /// The way to it.
    path: &'n ValuePath,
    indentation: Indentation,
    /// The key that it is the value of, and the column of that, if they are in an object in block style.
    key: Option<(&'n Node, usize)>,
    /// Whether it is in brackets whose parts have lines of their own.
    has_lines: bool,
}

impl<'t> Editor<'t> {
    /// For the document that is this part of a text, and whose value is `root`.
    pub fn new(text: &'t str, document: Range<usize>, root: &Node, is_json: bool) -> Self {
        let own = text.get(document.clone()).unwrap_or_default();
        let mut editor = Self {
            text,
            document,
            eol: if own.contains("\r\n") { "\r\n" } else { "\n" },
            is_json,
            indentation: Indentation { object: 2, list: 0 },
            edits: Vec::new(),
            elsewhere: Vec::new(),
        };
        let (object, list) = editor.indentation_in(root);
        editor.indentation.object = object.unwrap_or(editor.indentation.object);
        editor.indentation.list = list.unwrap_or(editor.indentation.list);
        editor
    }

    /// The edits, and what they leave out because it is written elsewhere, such as behind an anchor.
    pub fn finish(self) -> (Vec<Edit>, Vec<String>) {
        (self.edits, self.elsewhere)
    }

    /// Changes what `path` leads to in the document.
    ///
    /// # Errors
    ///
    /// Why that cannot be written.
    pub fn change(&mut self, root: &Node, path: &ValuePath, change: &Change) -> Result<(), String> {
        let Ok(node) = root.find(path) else {
            self.elsewhere.push(path.to_string());
            return Ok(());
        };
        let around = Around {
            path,
            indentation: self.indentation,
            key: None,
            has_lines: self.has_lines(root),
        };
        self.value(node, change, around)
    }

    fn value(&mut self, node: &Node, change: &Change, around: Around<'_>) -> Result<(), String> {
        match (change, &node.content) {
            (Change::None, _) => Ok(()),
            (_, Content::Alias) => {
                self.elsewhere.push(around.path.to_string());
                Ok(())
            }
            (Change::Value(new), Content::Scalar { text, is_block }) => {
                if *is_block {
                    return Err(format!(
                        "{}: expected a string on one line, found one behind | or >; help: write it in quotes, and try again",
                        around.path
                    ));
                }
                let is_nothing = ["", "~"].contains(&&**text) || text.eq_ignore_ascii_case("null");
                self.scalar(node, new, is_nothing, around)
            }
            (Change::Fields { .. } | Change::Items(_), Content::Scalar { .. }) => {
                let mut new = Value::Null;
                change.apply(&mut new).map_err(|path| unexpected(&path))?;
                self.scalar(node, &new, true, around)
            }
            (Change::Fields { inner, added }, Content::Object(style, fields)) => {
                self.object(node, *style, fields, inner, added, around)
            }
            (Change::Items(items), Content::List(style, nodes)) => {
                self.list(node, *style, nodes, items, around)
            }
            _ => Err(unexpected(around.path)),
        }
    }

    /// A scalar, or nothing, becomes another value.
    fn scalar(
        &mut self,
        node: &Node,
        new: &Value,
        was_nothing: bool,
        around: Around<'_>,
    ) -> Result<(), String> {
        if let Some((key, column)) = around.key
            && is_filled(new)
        {
            if !was_nothing {
                return Err(unexpected(around.path));
            }
            return self.below(key, column, node, new, around);
        }
        let text = match around.key {
            Some(_) => writing::scalar(new),
            None => flow(new, self.brackets()),
        };
        if node.own == node.at.end {
            let before = self.text.get(..node.own).unwrap_or_default();
            let space = if before.ends_with(' ') { "" } else { " " };
            self.insert(node.own, format!("{space}{text}"));
        } else {
            self.replace(node.own..node.at.end, text);
        }
        Ok(())
    }

    /// Nothing, or empty brackets, become lines below the key.
    fn below(
        &mut self,
        key: &Node,
        column: usize,
        node: &Node,
        new: &Value,
        around: Around<'_>,
    ) -> Result<(), String> {
        let end = key.at.end.max(node.at.end);
        if node.own < node.at.end {
            let before = self.text.get(..node.own).unwrap_or_default();
            let start = before.trim_end_matches([' ', '\t']).len();
            self.replace(start..node.at.end, String::new());
        }
        let lines = around.indentation.below(column, new, self.eol);
        self.insert_lines_behind(end, lines, around.path)
    }

    fn object(
        &mut self,
        node: &Node,
        style: Style,
        fields: &[(Node, Node)],
        inner: &[(String, Change)],
        added: &[(String, Value)],
        around: Around<'_>,
    ) -> Result<(), String> {
        let mut around = around;
        let (_, list) = self.indentation_of(fields);
        around.indentation.list = list.unwrap_or(around.indentation.list);
        let column = match style {
            Style::Block(first) => Some(self.column(first)),
            Style::Flow { .. } => None,
        };
        let merges = field(fields, "<<").is_some();
        let mut new = Vec::new();
        for (name, change) in inner {
            let path = around.path.clone().key(name);
            match field(fields, name) {
                Some((key, value)) => {
                    let around = Around {
                        path: &path,
                        key: column.map(|column| (key, column)),
                        has_lines: self.has_lines(node),
                        ..around
                    };
                    self.value(value, change, around)?;
                }
                None if merges => self.elsewhere.push(path.to_string()),
                None => {
                    let mut value = Value::Null;
                    change.apply(&mut value).map_err(|path| unexpected(&path))?;
                    new.push((name.as_str(), value));
                }
            }
        }
        new.extend(
            added
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        );
        if new.is_empty() {
            return Ok(());
        }
        let last = fields.last().map(end_of);
        if let (Some(column), Some(last)) = (column, last) {
            let lines = new
                .iter()
                .map(|(name, value)| around.indentation.field(column, name, value, self.eol));
            return self.insert_lines_behind(last, lines.collect(), around.path);
        }
        if let (Some((key, column)), None) = (around.key, last)
            && self.is_bare(node)
        {
            let new = new
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value));
            return self.below(key, column, node, &Value::Object(new.collect()), around);
        }
        let parts = new.iter().map(|(name, value)| (Some(*name), value));
        self.in_brackets(node, last, &parts.collect::<Vec<_>>(), around)
    }

    fn list(
        &mut self,
        node: &Node,
        style: Style,
        nodes: &[Node],
        items: &[Item],
        around: Around<'_>,
    ) -> Result<(), String> {
        if let (Some((key, column)), []) = (around.key, nodes)
            && self.is_bare(node)
        {
            let new = items.iter().map(|item| match item {
                Item::New(value) => Ok(value.clone()),
                Item::Kept(_) => Err(unexpected(around.path)),
            });
            let new = Value::Array(new.collect::<Result<_, _>>()?);
            return self.below(key, column, node, &new, around);
        }
        let mut old = nodes.iter().enumerate();
        let mut last: Option<&Node> = None;
        let mut new = Vec::new();
        for item in items {
            match item {
                Item::New(value) => new.push((None, value)),
                Item::Kept(change) => {
                    self.items(node, style, nodes, last, &std::mem::take(&mut new), around)?;
                    let (index, kept) = old.next().ok_or_else(|| unexpected(around.path))?;
                    let path = around.path.clone().item(index);
                    let inside = Around {
                        path: &path,
                        key: None,
                        has_lines: self.has_lines(node),
                        ..around
                    };
                    self.value(kept, change, inside)?;
                    last = Some(kept);
                }
            }
        }
        self.items(node, style, nodes, last, &new, around)
    }

    /// Puts new items behind one that is there, or in front of all.
    fn items(
        &mut self,
        node: &Node,
        style: Style,
        nodes: &[Node],
        last: Option<&Node>,
        new: &[(Option<&str>, &Value)],
        around: Around<'_>,
    ) -> Result<(), String> {
        if new.is_empty() {
            return Ok(());
        }
        let (Style::Block(first), [first_item, ..]) = (style, nodes) else {
            return self.in_brackets(node, last.map(|last| last.at.end), new, around);
        };
        let column = self.column(first);
        // As far from the hyphen as in the first item, if that begins on the same line.
        let gap = self.text.get(first..first_item.at.start);
        let gap = gap.and_then(|gap| gap.strip_prefix('-'));
        let gap = gap.filter(|gap| !gap.is_empty() && gap.chars().all(|space| space == ' '));
        let gap = gap.map_or(1, str::len);
        let lines = new
            .iter()
            .map(|(_, value)| around.indentation.item(column, gap, value, self.eol));
        let lines = lines.collect();
        match last {
            Some(last) => self.insert_lines_behind(last.at.end, lines, around.path),
            None => {
                let start = self.start_of_line(first);
                let before = self.text.get(start..first).unwrap_or_default();
                if !before.chars().all(|space| space == ' ') {
                    return Err(not_alone(around.path, before));
                }
                self.insert(start, lines);
                Ok(())
            }
        }
    }

    /// Puts new fields or items into brackets: behind the part that ends at `last`, or in front of all.
    fn in_brackets(
        &mut self,
        node: &Node,
        last: Option<usize>,
        new: &[(Option<&str>, &Value)],
        around: Around<'_>,
    ) -> Result<(), String> {
        let (open, close, first) = match &node.content {
            Content::Object(Style::Flow { open, close }, fields) => {
                let first = fields.first().map(|(key, _)| key.at.start);
                (*open, *close, first)
            }
            Content::List(Style::Flow { open, close }, items) => {
                (*open, *close, items.first().map(|item| item.at.start))
            }
            _ => return Err(not_written(around.path)),
        };
        let behind_open = open.saturating_add(1);
        let own_indent = self.indent(open);
        let first_indent = first.map(|first| self.indent(first));
        // An empty one in an object with lines of its own gets lines too.
        let has_lines = match first {
            Some(_) => self.has_lines(node),
            None => around.has_lines,
        };
        let step = first_indent
            .and_then(|indent| indent.strip_prefix(own_indent))
            .filter(|step| !step.is_empty());
        let step = step.unwrap_or("  ");
        let indent = match first_indent {
            Some(indent) => indent.to_owned(),
            None => format!("{own_indent}{step}"),
        };
        let brackets = self.brackets();
        let parts: Vec<_> = new
            .iter()
            .map(|(name, value)| match (name, has_lines && self.is_json) {
                (Some(name), true) => writing::pretty_field(name, value, &indent, step, self.eol),
                (None, true) => writing::pretty(value, &indent, step, self.eol),
                (Some(name), false) => flow_field(name, value, brackets),
                (None, false) => flow(value, brackets),
            })
            .collect();
        let between = match (has_lines, brackets) {
            (true, _) => format!(",{}{indent}", self.eol),
            (false, Brackets::Compact) => ",".to_owned(),
            (false, _) => ", ".to_owned(),
        };
        let parts = parts.join(&between);
        match (last, first) {
            (Some(last), _) => {
                let next = behind_blank(self.text, last);
                let has_comma = self
                    .text
                    .get(next..)
                    .is_some_and(|rest| rest.starts_with(','));
                match has_comma.then(|| next.saturating_add(1)) {
                    // Another part follows, or nothing, which YAML permits.
                    Some(comma) => {
                        let text = format!("{}{parts},", between.trim_start_matches(','));
                        let at = if has_lines {
                            self.end_of_line(comma, close)
                        } else {
                            comma
                        };
                        self.insert(at, text);
                    }
                    None if has_lines => {
                        self.insert(last, ",".to_owned());
                        let text = format!("{}{parts}", between.trim_start_matches(','));
                        self.insert(self.end_of_line(last, close), text);
                    }
                    None => self.insert(last, format!("{between}{parts}")),
                }
            }
            (None, Some(first)) => self.insert(first, format!("{parts}{between}")),
            (None, None) => {
                let inner = self.text.get(behind_open..close).unwrap_or_default();
                if !inner.trim().is_empty() {
                    self.insert(close, parts);
                } else if has_lines {
                    let eol = self.eol;
                    let text = format!("{eol}{indent}{parts}{eol}{own_indent}");
                    self.replace(behind_open..close, text);
                } else {
                    self.replace(behind_open..close, parts);
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, at: usize, text: String) {
        self.edits.push(Edit::insertion(at, text));
    }

    fn replace(&mut self, at: Range<usize>, text: String) {
        self.edits.push(Edit { at, text });
    }

    /// Puts whole lines behind the line that something ends on, which must be the last on it but for a comment.
    fn insert_lines_behind(
        &mut self,
        end: usize,
        lines: String,
        path: &ValuePath,
    ) -> Result<(), String> {
        let rest = self.text.get(end..).unwrap_or_default();
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        let behind = line.trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            return Err(not_alone(path, behind));
        }
        let at = end.saturating_add(line.len());
        if line.ends_with('\n') {
            self.insert(at, lines);
        } else {
            let lines = lines.strip_suffix(self.eol).unwrap_or(&lines);
            self.insert(at, format!("{}{lines}", self.eol));
        }
        Ok(())
    }

    /// Whether these are empty brackets on one line without an anchor or a tag.
    fn is_bare(&self, node: &Node) -> bool {
        let written = self.text.get(node.at.clone()).unwrap_or_default();
        let inner = written.strip_prefix(['[', '{']);
        let inner = inner.and_then(|inner| inner.strip_suffix([']', '}']));
        inner.is_some_and(|inner| inner.chars().all(|space| space == ' '))
    }

    /// Whether the first part of what is in brackets has a line of its own.
    fn has_lines(&self, node: &Node) -> bool {
        let (open, first) = match &node.content {
            Content::Object(Style::Flow { open, .. }, fields) => {
                (*open, fields.first().map(|(key, _)| key.at.start))
            }
            Content::List(Style::Flow { open, .. }, items) => {
                (*open, items.first().map(|item| item.at.start))
            }
            _ => return false,
        };
        let first = first.unwrap_or(open);
        let between = self.text.get(open..first);
        between.is_some_and(|between| between.contains('\n'))
    }

    /// How values in brackets are written in this document.
    fn brackets(&self) -> Brackets {
        if !self.is_json {
            return Brackets::Yaml;
        }
        let own = self.text.get(self.document.clone()).unwrap_or_default();
        let colon = own.split_once("\":").map(|(_, behind)| behind);
        if colon.is_some_and(|behind| !behind.starts_with([' ', '\t', '\r', '\n'])) {
            Brackets::Compact
        } else {
            Brackets::Json
        }
    }

    fn start_of_line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.rfind('\n').map_or(0, |end| end.saturating_add(1))
    }

    /// The end of the line, without its break, if there is only a comment in front of it, and no closing bracket.
    fn end_of_line(&self, at: usize, close: usize) -> usize {
        let rest = self.text.get(at..close).unwrap_or_default();
        let line = rest.split(['\r', '\n']).next().unwrap_or_default();
        let is_whole = line.len() < rest.len();
        let behind = line.trim_start();
        if is_whole && behind.starts_with('#') {
            at.saturating_add(line.trim_end().len())
        } else {
            at
        }
    }

    /// The white space that the line begins with.
    fn indent(&self, at: usize) -> &'t str {
        let line = self.text.get(self.start_of_line(at)..).unwrap_or_default();
        let rest = line.trim_start_matches([' ', '\t']);
        line.strip_suffix(rest).unwrap_or_default()
    }

    fn column(&self, at: usize) -> usize {
        let line = self.text.get(self.start_of_line(at)..at);
        line.map_or(0, |line| line.chars().count())
    }

    /// How objects and lists are indented in a value, by the first of each.
    fn indentation_in(&self, node: &Node) -> (Option<usize>, Option<usize>) {
        let children: Vec<&Node> = match &node.content {
            Content::Object(_, fields) => fields.iter().map(|(_, value)| value).collect(),
            Content::List(_, items) => items.iter().collect(),
            Content::Scalar { .. } | Content::Alias => Vec::new(),
        };
        let own = match &node.content {
            Content::Object(Style::Block(_), fields) => self.indentation_of(fields),
            _ => (None, None),
        };
        children.into_iter().fold(own, |(object, list), child| {
            if object.is_some() && list.is_some() {
                return (object, list);
            }
            let (of_child, list_of_child) = self.indentation_in(child);
            (object.or(of_child), list.or(list_of_child))
        })
    }

    /// How objects and lists are indented that are values of these fields in block style.
    fn indentation_of(&self, fields: &[(Node, Node)]) -> (Option<usize>, Option<usize>) {
        let mut object = None;
        let mut list = None;
        for (key, value) in fields {
            let column = self.column(key.at.start);
            let further = |first: usize| self.column(first).checked_sub(column);
            match &value.content {
                Content::Object(Style::Block(first), _) => {
                    object = object.or(further(*first).filter(|further| *further > 0));
                }
                Content::List(Style::Block(first), _) => list = list.or(further(*first)),
                _ => {}
            }
        }
        (object, list)
    }
}

fn unexpected(path: &ValuePath) -> String {
    format!("{path}: expected what the policy was sent, found something else")
}

fn not_written(path: &ValuePath) -> String {
    format!(
        "{path}: expected a value in a place of its own, found none; help: write it out, and try again"
    )
}

fn not_alone(path: &ValuePath, found: &str) -> String {
    format!(
        "{path}: expected nothing else on its line, found {}; help: put it on a line of its own, and try again",
        Excerpt::new(found.trim())
    )
}
