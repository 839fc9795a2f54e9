//! The text of a file with what its objects lack.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::change::Change;
use super::edits::{Edit, Editor, edited};
use super::nodes::Node;
use crate::input::found::Text;
use crate::input::lines::ValuePath;
use crate::input::manifests::{self, Origin, Written};

/// What is to be written into an object.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The object, as messages name it.
    pub title: String,
    /// Where it is.
    pub origin: Origin,
    /// The way to it in its document.
    pub path: ValuePath,
    /// What it lacks, by where in it that is.
    pub changes: Vec<(ValuePath, Change)>,
}

impl Wanted {
    fn refused(&self, why: &str) -> String {
        format!("{} ({}): not injected: {why}", self.title, self.origin)
    }
}

/// The text with what the objects in it lack, and which of them have it.
#[derive(Debug)]
pub struct Rewritten {
    /// The text.
    pub text: String,
    /// The objects that have it, as messages name them.
    pub injected: Vec<String>,
    /// Why others do not.
    pub refused: Vec<String>,
}

/// Writes into a text what objects in it lack.
pub fn rewrite(text: &Text, wanted: &[&Wanted]) -> Rewritten {
    let mut rewritten = Rewritten {
        text: text.text.to_string(),
        injected: Vec::new(),
        refused: Vec::new(),
    };
    if wanted.is_empty() {
        return rewritten;
    }
    let documents = match manifests::documents_of(&text.name, &text.text) {
        Ok(documents) => documents,
        Err(error) => {
            let refused = wanted
                .iter()
                .map(|wanted| wanted.refused(&error.to_string()));
            rewritten.refused.extend(refused);
            return rewritten;
        }
    };
    let (plain, marks) = manifests::without_marks(&text.text);
    let whole = Whole {
        name: &text.name,
        plain: &plain,
        marks: &marks,
        documents: &documents,
        nodes: nodes(&plain, &documents, wanted),
    };
    let mut accepted = Vec::new();
    let mut edits = Vec::new();
    for wanted in wanted {
        match whole.edits(wanted) {
            Ok(own) => {
                accepted.push(*wanted);
                edits.push(own);
            }
            Err(why) => rewritten.refused.push(wanted.refused(&why)),
        }
    }
    let all: Vec<_> = accepted.iter().copied().zip(edits).collect();
    let mut result = whole.with(&all);
    let mut left = all;
    if result.is_none() {
        // Those that cannot be written each by itself are to blame.
        left.retain(|one| {
            let is_right = whole.with(std::slice::from_ref(one)).is_some();
            if !is_right {
                let (wanted, edits) = one;
                rewritten.refused.push(wanted.refused(&edits.blame()));
            }
            is_right
        });
        result = whole.with(&left);
    }
    match result {
        Some(result) => {
            rewritten.text = result;
            let injected = left.iter().map(|(wanted, _)| wanted);
            let injected = injected.map(|wanted| format!("{} ({})", wanted.title, wanted.origin));
            rewritten.injected.extend(injected);
        }
        None => {
            let refused = left
                .iter()
                .map(|(wanted, edits)| wanted.refused(&edits.blame()));
            rewritten.refused.extend(refused);
        }
    }
    rewritten
}

/// The values of the documents in which something is wanted, with their places.
fn nodes(plain: &str, documents: &[Written], wanted: &[&Wanted]) -> BTreeMap<usize, Node> {
    let mut nodes = BTreeMap::new();
    for written in documents {
        let document = written.origin.document;
        if wanted
            .iter()
            .any(|wanted| wanted.origin.document == document)
            && let Some(node) = Node::of(plain, written.document.range())
        {
            nodes.insert(document, node);
        }
    }
    nodes
}

/// The edits of an object, and what they leave out.
struct Edits {
    edits: Vec<Edit>,
    elsewhere: Vec<String>,
}

impl Edits {
    /// Why the edits do not come to what is wanted.
    fn blame(&self) -> String {
        match self.elsewhere.first() {
            Some(path) => format!(
                "{path}: it is written elsewhere, behind an anchor, where other values have it too; help: write it out in place of \
                 the alias or merge key"
            ),
            None => "the YAML around it is written in a way in which it cannot be added without a change of something else; help: \
                     write the object in plain block style, without anchors"
                .to_owned(),
        }
    }
}

/// A text, and what is in it.
struct Whole<'t> {
    name: &'t str,
    /// The text without byte order marks.
    plain: &'t str,
    marks: &'t [usize],
    documents: &'t [Written],
    nodes: BTreeMap<usize, Node>,
}

impl Whole<'_> {
    fn edits(&self, wanted: &Wanted) -> Result<Edits, String> {
        let document = wanted.origin.document;
        let mut documents = self.documents.iter();
        let written = documents.find(|written| written.origin.document == document);
        let (Some(written), Some(root)) = (written, self.nodes.get(&document)) else {
            return Err(
                "its place in the text cannot be found; help: separate documents by ---, and lines by line feeds".to_owned(),
            );
        };
        let range = written.document.range();
        let own = self.plain.get(range.clone()).unwrap_or_default();
        let own = own.strip_prefix("---").unwrap_or(own);
        let is_json = serde_json::from_str::<IgnoredAny>(own).is_ok();
        let mut editor = Editor::new(self.plain, range, root, is_json);
        for (path, change) in &wanted.changes {
            let path = wanted.path.clone().join(path.clone());
            editor.change(root, &path, change)?;
        }
        let (edits, elsewhere) = editor.finish();
        Ok(Edits { edits, elsewhere })
    }

    /// The text with the edits of these objects, if that is all that they make of it.
    fn with(&self, all: &[(&Wanted, Edits)]) -> Option<String> {
        let mut expected: Vec<(usize, Value)> = self
            .documents
            .iter()
            .map(|written| (written.origin.document, written.value.clone()))
            .collect();
        for (wanted, _) in all {
            let document = wanted.origin.document;
            let (_, value) = expected
                .iter_mut()
                .find(|(number, _)| *number == document)?;
            let object = wanted.path.value_mut(value)?;
            for (path, change) in &wanted.changes {
                change.apply(path.value_mut(object)?).ok()?;
            }
        }
        let edits = all.iter().flat_map(|(_, own)| own.edits.iter().cloned());
        // What stands at the end of a document comes in front of the mark of the next.
        let marks = self.marks.iter();
        let marks = marks.map(|at| Edit::insertion(*at, '\u{feff}'.to_string()));
        let text = edited(self.plain, edits.chain(marks).collect())?;
        let found = manifests::documents_of(self.name, &text.as_str().into()).ok()?;
        let found = found
            .into_iter()
            .map(|written| (written.origin.document, written.value));
        found.eq(expected).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The text of `file` in which the value that `path` leads to in its last object is `after`, or why that cannot be.
    fn written(file: &str, text: &str, path: &str, after: &Value) -> Result<String, String> {
        let contents = manifests::contents_from(file, text.as_bytes());
        let manifest = contents.manifests.into_iter().next_back().unwrap();
        let path = ValuePath::new(path);
        let before = path.value(&manifest.object).unwrap();
        let change = Change::between(before, after).unwrap();
        let wanted = Wanted {
            title: "Pod a/b".to_owned(),
            origin: manifest.origin,
            path: manifest.path,
            changes: vec![(path, change)],
        };
        let source = Text {
            name: file.to_owned(),
            path: None,
            text: text.into(),
        };
        let rewritten = rewrite(&source, &[&wanted]);
        match rewritten.refused.first() {
            None => {
                assert_eq!(rewritten.injected, [format!("Pod a/b ({})", wanted.origin)]);
                Ok(rewritten.text)
            }
            Some(refused) => {
                assert_eq!((&*rewritten.text, rewritten.injected.len()), (text, 0));
                let start = format!("Pod a/b ({}): not injected: ", wanted.origin);
                Err(refused.strip_prefix(&start).unwrap().to_owned())
            }
        }
    }

    const OBJECT: &str = "apiVersion: v1\nkind: Pod\n";

    /// Asserts what becomes of the rest of an object, behind `OBJECT`.
    #[track_caller]
    fn becomes(rest: &str, path: &str, after: &Value, expected: &str) {
        let eol = if rest.contains("\r\n") { "\r\n" } else { "\n" };
        let object = OBJECT.replace('\n', eol);
        let found = written("f", &format!("{object}{rest}"), path, after);
        assert_eq!(found, Ok(format!("{object}{expected}")), "{rest}");
    }

    #[track_caller]
    fn is_refused(rest: &str, path: &str, after: &Value, expected: &str) {
        let found = written("f", &format!("{OBJECT}{rest}"), path, after);
        assert_eq!(found, Err(expected.to_owned()), "{rest}");
    }

    #[test]
    fn fields_come_behind_the_last_one() {
        for (rest, expected) in [
            ("a:\n  b: 1\n", "a:\n  b: 1\n  c:\n    d: x\n"),
            ("a:\n    b: 1", "a:\n    b: 1\n    c:\n        d: x"),
            ("a:\r\n  b: 1\r\n", "a:\r\n  b: 1\r\n  c:\r\n    d: x\r\n"),
            (
                "a: # of a\n  # of b\n  b: 1 # one\n  # behind\n\n# of e\ne: f\n",
                "a: # of a\n  # of b\n  b: 1 # one\n  c:\n    d: x\n  # behind\n\n# of e\ne: f\n",
            ),
            (
                "a: &x\n  b: 1\n---\n",
                "a: &x\n  b: 1\n  c:\n    d: x\n---\n",
            ),
            (
                "a: !!map\n  b: 1\n...\n",
                "a: !!map\n  b: 1\n  c:\n    d: x\n...\n",
            ),
            ("a: {b: 1}\n", "a: {b: 1, c: {d: x}}\n"),
            ("a: { b: 1 } # c\n", "a: { b: 1, c: {d: x} } # c\n"),
            ("a: {b: 1,}\n", "a: {b: 1, c: {d: x},}\n"),
            (
                "a: {\n  b: 1 # one\n}\n",
                "a: {\n  b: 1, # one\n  c: {d: x}\n}\n",
            ),
            (
                "a: {\n  b: 1, # one\n  # two\n}\n",
                "a: {\n  b: 1, # one\n  c: {d: x},\n  # two\n}\n",
            ),
            (
                "a:\n  b: 1 # one\n  # two",
                "a:\n  b: 1 # one\n  c:\n    d: x\n  # two",
            ),
            ("\"a\": {\"b\": 1}\n", "\"a\": {\"b\": 1, c: {d: x}}\n"),
        ] {
            becomes(rest, "a", &json!({"b": 1, "c": {"d": "x"}}), expected);
        }
    }

    #[test]
    fn the_end_of_a_scalar_on_several_lines_is_found() {
        for (scalar, value) in [
            ("|\n    x\n\n    y\n", "x\n\ny\n"),
            ("|-\n    x\n", "x"),
            ("|+\n    x\n\n\n", "x\n\n\n"),
            (">- # folded\n    x\n    y\n", "x y"),
            ("|2\n      x\n", "  x\n"),
            ("x\n    y\n", "x y"),
            ("\"x\n\n    y\"\n", "x\ny"),
            ("'x\n    # y' # z\n", "x # y"),
            ("ü # ß\n", "ü"),
        ] {
            for behind in ["", "  # comment\n", "e: f\n"] {
                let rest = format!("a:\n  b: {scalar}{behind}");
                let expected = format!("a:\n  b: {scalar}  c: d\n{behind}");
                becomes(&rest, "a", &json!({"b": value, "c": "d"}), &expected);
            }
        }
    }

    #[test]
    fn items_come_where_they_belong() {
        let after = json!([{"name": "0"}, {"name": "a", "v": 1}, {"name": "1"}, {"name": "b"}, {"name": "2", "x": [3]}]);
        for (rest, expected) in [
            (
                "l:\n- name: a\n- name: b\n",
                "l:\n- name: \"0\"\n- name: a\n  v: 1\n- name: \"1\"\n- name: b\n- name: \"2\"\n  x:\n  - 3\n",
            ),
            (
                "l: # list\n    # first\n    -   name: a # a\n    # second\n    -   name: b\n    # end\n",
                "l: # list\n    # first\n    -   name: \"0\"\n    -   name: a # a\n        v: 1\n    -   name: \"1\"\n    # second\n    \
                 -   name: b\n    -   name: \"2\"\n        x:\n            - 3\n    # end\n",
            ),
            (
                "l:\n  - # one\n    name: a\n  - &b\n    name: b\n",
                "l:\n  - name: \"0\"\n  - # one\n    name: a\n    v: 1\n  - name: \"1\"\n  - &b\n    name: b\n  - name: \"2\"\n    x:\n      - 3\n",
            ),
            (
                "l:\n- # one\n  # more\n  name: a\n- name: b\n",
                "l:\n- name: \"0\"\n- # one\n  # more\n  name: a\n  v: 1\n- name: \"1\"\n- name: b\n- name: \"2\"\n  x:\n  - 3\n",
            ),
            (
                "l: [{name: a}, {name: b}]\n",
                "l: [{name: \"0\"}, {name: a, v: 1}, {name: \"1\"}, {name: b}, {name: \"2\", x: [3]}]\n",
            ),
            (
                "l: [ # list\n  {name: a}, # a\n  {name: b} # b\n]\n",
                "l: [ # list\n  {name: \"0\"},\n  {name: a, v: 1}, # a\n  {name: \"1\"},\n  {name: b}, # b\n  {name: \"2\", x: [3]}\n]\n",
            ),
            (
                "l:\n- {name: a}\n- {name: b}\n",
                "l:\n- name: \"0\"\n- {name: a, v: 1}\n- name: \"1\"\n- {name: b}\n- name: \"2\"\n  x:\n  - 3\n",
            ),
        ] {
            becomes(rest, "l", &after, expected);
        }
    }

    #[test]
    fn a_bracket_is_as_far_left_as_its_key() {
        let rest = "a:\n  l: [\n    \"x\"\n  ]\n";
        becomes(
            rest,
            "a",
            &json!({"l": ["x"], "c": 1}),
            &format!("{rest}  c: 1\n"),
        );
        becomes(
            rest,
            "a",
            &json!({"l": ["x", "z"]}),
            "a:\n  l: [\n    \"x\",\n    z\n  ]\n",
        );
    }

    #[test]
    fn nothing_becomes_something() {
        for (rest, expected) in [
            ("a:\n  l:\n", "a:\n  l:\n  - x: 1\n"),
            ("a:\n  l:", "a:\n  l:\n  - x: 1"),
            ("a:\n  l: # none\n", "a:\n  l: # none\n  - x: 1\n"),
            ("a:\n  l: ~\n", "a:\n  l:\n  - x: 1\n"),
            ("a:\n  l: null # none\n", "a:\n  l: # none\n  - x: 1\n"),
            (
                "a:\n  m: n\n  l:\ne: f\n",
                "a:\n  m: n\n  l:\n  - x: 1\ne: f\n",
            ),
            ("a: {l: null}\n", "a: {l: [{x: 1}]}\n"),
            ("a: {l: }\n", "a: {l: [{x: 1}]}\n"),
            ("a: {l:\n}\n", "a: {l:\n [{x: 1}]}\n"),
        ] {
            let mut after = json!({"l": [{"x": 1}]});
            if rest.contains("m: n") {
                after["m"] = "n".into();
            }
            becomes(rest, "a", &after, expected);
        }
        for (rest, expected) in [
            ("a:\n  l: []\n", "a:\n  l:\n  - x: 1\n"),
            ("a:\n  l: [ ] # none\n", "a:\n  l: # none\n  - x: 1\n"),
            ("a:\n  l: &l []\n", "a:\n  l: &l [{x: 1}]\n"),
            ("a:\n  l: [ # none\n  ]\n", "a:\n  l: [ # none\n  {x: 1}]\n"),
            ("a: {l: []}\n", "a: {l: [{x: 1}]}\n"),
            ("a: {\n  l: []\n}\n", "a: {\n  l: [\n    {x: 1}\n  ]\n}\n"),
        ] {
            becomes(rest, "a", &json!({"l": [{"x": 1}]}), expected);
        }
        for (rest, expected) in [
            ("a:\n  o: {}\n", "a:\n  o:\n    x: \"true\"\n"),
            ("a:\n  o: {} # none", "a:\n  o: # none\n    x: \"true\""),
            ("a:\n    o:\n", "a:\n    o:\n        x: \"true\"\n"),
        ] {
            becomes(rest, "a", &json!({"o": {"x": "true"}}), expected);
        }
        becomes("a:\n  b:\n", "a", &json!({"b": "c"}), "a:\n  b: c\n");
    }

    #[test]
    fn scalars_are_replaced() {
        for (rest, expected) in [
            ("a:\n  b: c # d\n", "a:\n  b: e=f,g=h # d\n"),
            ("a:\n  b: &x c\n", "a:\n  b: &x e=f,g=h\n"),
            ("a: {b: 'c', x: y}\n", "a: {b: \"e=f,g=h\", x: y}\n"),
        ] {
            let mut after = json!({"b": "e=f,g=h"});
            if rest.contains("x: y") {
                after["x"] = "y".into();
            }
            becomes(rest, "a", &after, expected);
        }
        is_refused(
            "a:\n  b: >-\n    c\n",
            "a",
            &json!({"b": "d"}),
            "a.b: expected a string on one line, found one behind | or >; help: write it in quotes, and try again",
        );
    }

    #[test]
    fn json_stays_json() {
        let after = json!({"b": "\u{1f600}", "e": {}, "c": [{"d": "x"}]});
        let after = &after;
        let start = "\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\"";
        for (rest, expected) in [
            (
                "{START: {\"b\": \"\\ud83d\\ude00\", \"e\": {}}}",
                "{START: {\"b\": \"\\ud83d\\ude00\", \"e\": {}, \"c\": [{\"d\": \"x\"}]}}",
            ),
            (
                "{\"spec\":{\"b\":\"\\uD83D\\uDE00\",\"e\":{}}, START2}\n",
                "{\"spec\":{\"b\":\"\\uD83D\\uDE00\",\"e\":{},\"c\":[{\"d\":\"x\"}]}, START2}\n",
            ),
            (
                "{\n\tSTART: {\n\t\t\"b\": \"\u{1f600}\",\n\t\t\"e\": {}\n\t}\n}\n",
                "{\n\tSTART: {\n\t\t\"b\": \"\u{1f600}\",\n\t\t\"e\": {},\n\t\t\"c\": [\n\t\t\t{\n\t\t\t\t\"d\": \"x\"\n\t\t\t}\n\t\t]\n\t}\n}\n",
            ),
        ] {
            let whole = |text: &str| {
                text.replace("START2", "\"apiVersion\": \"v1\", \"kind\": \"Pod\"")
                    .replace("START", start)
            };
            let found = written("f.json", &whole(rest), "spec", after);
            assert_eq!(found, Ok(whole(expected)));
        }
        let text = "{\n  START: {\n    \"e\": {}\n  }\n}".replace("START", start);
        let found = written("f.json", &text, "spec", &json!({"e": {"x": "y"}}));
        let expected = text.replace("{}", "{\n      \"x\": \"y\"\n    }");
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn other_documents_and_marks_stay() {
        let text = format!(
            "\u{feff}# first\na: 1\n\n--- # second\n{OBJECT}a:\n  b: 1\n\u{feff}---\n# end\n"
        );
        let found = written("f", &text, "a", &json!({"b": 1, "c": 2}));
        assert_eq!(found, Ok(text.replace("b: 1\n", "b: 1\n  c: 2\n")));
    }

    #[test]
    fn items_of_lists_are_found() {
        let text = format!(
            "apiVersion: v1\nkind: List\nitems:\n- kind: List\n  apiVersion: v1\n  items:\n  - {}    a: {{}}\n",
            OBJECT.replace('\n', "\n    ").trim_end().to_owned() + "\n"
        );
        let found = written("f", &text, "a", &json!({"c": 2}));
        assert_eq!(found, Ok(text.replace("{}", "{c: 2}")));
    }

    #[test]
    fn what_has_two_places_is_written_once_if_both_get_it() {
        let two = json!([{"name": "c", "env": [1, 2]}, {"name": "c", "env": [1, 2]}]);
        becomes(
            "a:\n- {name: c, env: &e [1]}\n- {name: c, env: *e}\n",
            "a",
            &two,
            "a:\n- {name: c, env: &e [1, 2]}\n- {name: c, env: *e}\n",
        );
        becomes(
            "a:\n- &c\n  name: c\n  env:\n  - 1\n- <<: *c\n",
            "a",
            &two,
            "a:\n- &c\n  name: c\n  env:\n  - 1\n  - 2\n- <<: *c\n",
        );
        becomes(
            "a:\n- &c\n  name: c\n- <<: *c\n",
            "a",
            &json!([{"name": "c", "env": [1]}, {"name": "c", "env": [2]}]),
            "a:\n- &c\n  name: c\n  env:\n  - 1\n- <<: *c\n  env:\n  - 2\n",
        );
        let one = json!([{"name": "c", "env": [1]}, {"name": "c", "env": [1, 2]}]);
        for rest in [
            "a:\n- {name: c, env: &e [1]}\n- {name: c, env: *e}\n",
            "a:\n- &c\n  name: c\n  env: [1]\n- <<: *c\n",
        ] {
            is_refused(
                rest,
                "a",
                &one,
                "a[1].env: it is written elsewhere, behind an anchor, where other values have it too; help: write it out in place \
                 of the alias or merge key",
            );
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        const OTHERWISE: &str = "the YAML around it is written in a way in which it cannot be added without a change of something \
                                 else; help: write the object in plain block style, without anchors";
        for (rest, after, expected) in [
            (
                "x: &e {b: 1}\na: *e\n",
                json!({"b": 1, "c": 2}),
                "a: it is written elsewhere, behind an anchor, where other values have it too; help: write it out in place of the \
                 alias or merge key",
            ),
            ("a: &e {b: 1}\nx: *e\n", json!({"b": 1, "c": 2}), OTHERWISE),
            ("a:\n  b: |\n    x", json!({"b": "x", "c": 2}), OTHERWISE),
        ] {
            is_refused(rest, "a", &after, expected);
        }
        is_refused(
            "l:\n- - a\n",
            "l[0]",
            &json!(["b", "a"]),
            "l[0]: expected nothing else on its line, found \"-\"; help: put it on a line of its own, and try again",
        );
    }

    #[test]
    fn one_that_cannot_be_written_does_not_keep_others_from_it() {
        let one = format!("{OBJECT}a: &e {{b: 1}}\nx: *e\n");
        let other = format!("{OBJECT}a: {{b: 1}}\n");
        let text = format!("{one}---\n{other}");
        let wanted = |document| Wanted {
            title: format!("Pod a/{document}"),
            origin: Origin {
                file: "f".to_owned(),
                document,
                item: None,
            },
            path: ValuePath::default(),
            changes: vec![(
                ValuePath::new("a"),
                Change::between(&json!({}), &json!({"c": 2})).unwrap(),
            )],
        };
        let source = Text {
            name: "f".to_owned(),
            path: None,
            text: text.as_str().into(),
        };
        let rewritten = rewrite(&source, &[&wanted(1), &wanted(2)]);
        assert_eq!(
            rewritten.text,
            format!("{one}---\n{OBJECT}a: {{b: 1, c: 2}}\n")
        );
        assert_eq!(rewritten.injected, ["Pod a/2 (f, document 2)"]);
        assert_eq!(rewritten.refused.len(), 1);
    }
}
