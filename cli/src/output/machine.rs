//! A preview as YAML and patches, for programs.

use std::io::{self, Write};

use super::colours::style_of;
use super::yaml;
use crate::commands::preview::{Kind, Preview, PreviewOutcome, Problem, Reviewed};
use crate::text::printable;

/// Writes the pods that `preview` is about, as they would be created, each as a YAML document; nothing of those that would not
/// be, or of which not all is known.
pub fn write_yaml(output: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let title = printable(&preview.title()).replace('\n', " ");
    let origin = printable(&preview.origin.to_string()).replace('\n', " ");
    for pod in preview.reviews.iter().filter_map(Reviewed::accepted_pod) {
        let pod = yaml(pod)?;
        write!(output, "---\n# {title} ({origin})\n{pod}")?;
    }
    Ok(())
}

/// Writes the patch of each pod that `preview` is about, as a line of JSON; an empty one if nothing is changed, or not all of
/// the pod is known.
pub fn write_patch(output: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let patches = match preview.several_pods() {
        [] => {
            let is_mutated = preview.outcome() == PreviewOutcome::Mutated;
            vec![preview.patch().filter(|_| is_mutated)]
        }
        pods => pods.iter().map(Reviewed::accepted_patch).collect(),
    };
    for patch in patches {
        let line = serde_json::to_string(&patch.unwrap_or_default())?;
        writeln!(output, "{line}")?;
    }
    Ok(())
}

/// Writes a line for each pod that is mutated and of which neither YAML nor patch can be shown.
pub fn write_unshown(problems: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let mut unshown = preview
        .reviews
        .iter()
        .filter(|reviewed| reviewed.is_mutated() && !reviewed.is_whole);
    unshown.try_for_each(|reviewed| {
        let place = format!("{} ({}:{})", preview.title(), preview.origin.file, preview.line);
        let pod = printable(&reviewed.title);
        let place = printable(&place);
        writeln!(problems, "note: {place}: {pod} is mutated; its containers are not known, so the change is not shown")
    })
}

/// Writes the problems, a line each.
pub fn write_problems(problems: &mut impl Write, preview: &Preview) -> io::Result<()> {
    for problem in &preview.problems {
        let style = style_of(problem.kind);
        let label = label_of(problem);
        let place = &problem.place;
        let object = format!("{} ({}:{})", preview.title(), place.file, place.line);
        let object = printable(&object);
        let text = printable(&problem.text);
        writeln!(problems, "{style}{label}{style:#}: {object}: {text}")?;
    }
    Ok(())
}

/// What a problem is, with the rule if it can be ignored, and the policy if there are several.
pub fn label_of(problem: &Problem) -> String {
    let kind = problem.kind.name();
    match (problem.kind, &problem.policy) {
        (Kind::Hint, _) => format!("{kind}[{}]", problem.rule),
        (_, Some(policy)) => printable(&format!("{kind} by {policy}")),
        (_, None) => kind.to_owned(),
    }
}
