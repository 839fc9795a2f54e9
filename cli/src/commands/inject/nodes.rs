//! The values of a YAML or JSON document, and where in the text they stand.

use std::ops::Range;

use libyaml_safer::{Event, EventData, MappingStyle, ScalarStyle, SequenceStyle};

use crate::input::lines::{Events, Step, ValuePath, events};

/// A value in the text.
#[derive(Debug)]
pub struct Node {
    /// Where it begins, with its anchor and tag, and ends, in bytes of the text. The end of one that is in block style is that
    /// of the last value in it.
    pub at: Range<usize>,
    /// Where it begins behind its anchor and tag.
    pub own: usize,
    /// What it is.
    pub content: Content,
}

/// What a value is.
#[derive(Debug)]
pub enum Content {
    /// A scalar; as a key, this is its name. What is not written at all is an empty one.
    Scalar {
        /// Its text.
        text: String,
        /// Whether it is in block style, behind `|` or `>`.
        is_block: bool,
    },
    /// What an anchor elsewhere stands for.
    Alias,
    /// An object: keys and values.
    Object(Style, Vec<(Node, Node)>),
    /// A list.
    List(Style, Vec<Node>),
}

/// How an object or a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line for each part; where the first begins: the key, or the hyphen.
    Block(usize),
    /// In brackets; where they are.
    Flow {
        /// The opening one.
        open: usize,
        /// The closing one.
        close: usize,
    },
}

/// How deep values are read, as the YAML parser does.
const DEEPEST: usize = 128;

impl Node {
    /// The value of the document that is this part of a text; `None` if it cannot be found.
    pub fn of(text: &str, document: Range<usize>) -> Option<Self> {
        let base = document.start;
        let text = text.get(document)?;
        let events = events(text)?;
        Reader { events, text, base }.node(0)
    }

    /// What `path` leads to in it; what stands in the way if nothing is there.
    ///
    /// # Errors
    ///
    /// The value that is not an object or a list with the next step in it.
    pub fn find(&self, path: &ValuePath) -> Result<&Self, &Self> {
        let mut at = self;
        for step in path.steps() {
            let next = match (step, &at.content) {
                (Step::Key(name), Content::Object(_, fields)) => {
                    field(fields, name).map(|(_, value)| value)
                }
                (Step::Item(index), Content::List(_, items)) => items.get(*index),
                _ => None,
            };
            at = next.ok_or(at)?;
        }
        Ok(at)
    }

    /// Whether it is this scalar.
    pub fn is(&self, name: &str) -> bool {
        matches!(&self.content, Content::Scalar { text, .. } if text == name)
    }
}

/// Where a field ends.
pub fn end_of((key, value): &(Node, Node)) -> usize {
    key.at.end.max(value.at.end)
}

/// The field of this name, with its key.
pub fn field<'n>(fields: &'n [(Node, Node)], name: &str) -> Option<&'n (Node, Node)> {
    fields.iter().find(|(key, _)| key.is(name))
}

/// The place behind white space and comments that begin at `at`.
pub fn behind_blank(text: &str, at: usize) -> usize {
    let mut rest = text.get(at..).unwrap_or_default();
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix('#') {
            Some(comment) => {
                rest = comment.trim_start_matches(|character| character != '\n');
            }
            None => return text.len().saturating_sub(rest.len()),
        }
    }
}

struct Reader<'t> {
    events: Events,
    /// The document.
    text: &'t str,
    /// Where it begins.
    base: usize,
}

impl Reader<'_> {
    fn node(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        let deeper = depth.checked_add(1)?;
        let event = self.events.next()?.ok()?;
        let at = self.offsets(&event)?;
        match event.data {
            EventData::Scalar { value, style, .. } => {
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let end = match is_block {
                    true => self.end_of_block(&at, &value)?,
                    false => at.end,
                };
                let content = Content::Scalar {
                    text: value,
                    is_block,
                };
                self.finish(at.start, end, content)
            }
            EventData::Alias { .. } => self.finish(at.start, at.end, Content::Alias),
            EventData::SequenceStart { style, .. } => {
                let mut items = Vec::new();
                while !matches!(
                    self.events.peek()?.as_ref().ok()?.data,
                    EventData::SequenceEnd
                ) {
                    items.push(self.node(deeper)?);
                }
                let closing = {
                    let event = self.events.next()?.ok()?;
                    self.offsets(&event)?
                };
                let (style, end) = match style {
                    SequenceStyle::Flow => self.brackets(&at, &closing)?,
                    _ => {
                        let first = self.hyphen(&at)?.checked_add(self.base)?;
                        let last = items.last()?.at.end.checked_sub(self.base)?;
                        (Style::Block(first), last)
                    }
                };
                self.finish(at.start, end, Content::List(style, items))
            }
            EventData::MappingStart { style, .. } => {
                let mut fields = Vec::new();
                while !matches!(
                    self.events.peek()?.as_ref().ok()?.data,
                    EventData::MappingEnd
                ) {
                    let key = self.node(deeper)?;
                    fields.push((key, self.node(deeper)?));
                }
                let closing = {
                    let event = self.events.next()?.ok()?;
                    self.offsets(&event)?
                };
                let (style, end) = match style {
                    MappingStyle::Flow => self.brackets(&at, &closing)?,
                    _ => {
                        let (first, _) = fields.first()?;
                        let last = end_of(fields.last()?).checked_sub(self.base)?;
                        (Style::Block(first.at.start), last)
                    }
                };
                self.finish(at.start, end, Content::Object(style, fields))
            }
            _ => None,
        }
    }

    /// Where an event begins and ends in the document.
    fn offsets(&self, event: &Event) -> Option<Range<usize>> {
        let start = usize::try_from(event.start_mark.index).ok()?;
        let end = usize::try_from(event.end_mark.index).ok()?;
        // The parser is given a line break more.
        Some(start..end.min(self.text.len()))
    }

    /// A node from these offsets in the document.
    fn finish(&self, start: usize, end: usize, content: Content) -> Option<Node> {
        let mut own = self.text.get(start..end)?;
        while own.starts_with(['&', '!']) {
            own = own.trim_start_matches(|character: char| !character.is_whitespace());
            own = own.trim_start();
        }
        let end = end.checked_add(self.base)?;
        Some(Node {
            at: start.checked_add(self.base)?..end,
            own: end.checked_sub(own.len())?,
            content,
        })
    }

    /// The brackets, and where they end in the document, by their events.
    fn brackets(&self, opening: &Range<usize>, closing: &Range<usize>) -> Option<(Style, usize)> {
        let open = opening.end.checked_sub(1)?.checked_add(self.base)?;
        let close = closing.start.checked_add(self.base)?;
        Some((Style::Flow { open, close }, closing.end))
    }

    /// Where the first hyphen of a list in block style is, by its event: at the start, or at the end or just before it, if the
    /// start is that of an anchor or a tag.
    fn hyphen(&self, at: &Range<usize>) -> Option<usize> {
        let mut places = [Some(at.start), Some(at.end), at.end.checked_sub(1)].into_iter();
        places.find_map(|place| {
            let place = place?;
            let rest = self.text.get(place..)?.strip_prefix('-')?;
            (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(place)
        })
    }

    /// Where the last line of a scalar in block style ends; its event goes on up to what comes next.
    fn end_of_block(&self, at: &Range<usize>, value: &str) -> Option<usize> {
        let written = self.text.get(at.clone())?;
        let content = if value.ends_with("\n\n") {
            // Empty lines are a part of it. The break of the last line is not, as with others.
            let lines = written.trim_end_matches([' ', '\t']);
            let lines = lines.strip_suffix('\n').unwrap_or(lines);
            lines.strip_suffix('\r').unwrap_or(lines)
        } else {
            written.trim_end()
        };
        at.start.checked_add(content.len())
    }
}
