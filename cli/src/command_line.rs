//! The command line of `azwi-policy`.

use std::env;
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anstream::ColorChoice;
use anstyle::Style;
use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use terminal_size::terminal_size_of;

use crate::commands::annotate::{self, AnnotateArgs};
use crate::commands::complaints::{Complaint, Level, any_fails};
use crate::commands::credentials::{self, CredentialsArgs};
use crate::commands::diagnose::{self, DiagnoseArgs};
use crate::commands::grant::{self, GrantArgs};
use crate::commands::inject::{self, InjectArgs};
use crate::commands::inventory::{self, InventoryArgs};
use crate::commands::issuer::{self, IssuerArgs};
use crate::commands::migrate::{self, MigrateArgs};
use crate::commands::preview::args::{Color, Format, PreviewArgs};
use crate::commands::preview::{self, Remarks};
use crate::commands::run::{self, RunArgs};
use crate::commands::test::{self, TestArgs};
use crate::entra::redaction;
use crate::kubewarden::engine;
use crate::kubewarden::host_calls::LogSink;
use crate::output::cases::Score;
use crate::output::colours::{ERROR, HINT, PLAIN, WARNING, style_of};
use crate::output::{self, Report};
use crate::text::printable;

/// What fails if output does.
const OUTPUT: &str = "cannot write to standard output";

/// The exit status of a preview in which an object is rejected, or warned about if that counts, and of the other
/// commands' failures.
const REJECTED_OR_FAILED: u8 = 1;

/// The exit status of a preview and of a grant that cannot be made.
const BAD_INPUT: u8 = 2;

/// Runs the azure-workload-identity policy without a cluster, in the engine that Kubewarden uses.
#[derive(Debug, Parser)]
#[command(
    name = "azwi-policy",
    version,
    after_help = "Examples:
  azwi-policy preview --policy examples/quick-start/policy.yaml --set azureTenantID=contoso.com examples/quick-start
  azwi-policy test examples
  azwi-policy inventory --policy policy.yaml manifests/
  azwi-policy credentials --issuer \"$ISSUER\" --policy policy.yaml manifests/
  azwi-policy diagnose --policy policy.yaml manifests/ < error.txt
  azwi-policy inject --policy policy.yaml manifests/ | kubectl apply -f -
  azwi-policy migrate values.yaml
  azwi-policy grant 8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11 team-a/api
  azwi-policy issuer --public-key sa.pub --url \"$ISSUER\"
  azwi-policy run -r request.json -s settings.yml --allow-context-aware annotated-policy.wasm
  azwi-policy annotate -m policy-metadata.yml -u README.md -o annotated-policy.wasm policy.wasm"
)]
pub struct Cli {
    /// Print the policy's log messages to standard error.
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what the policy does to the pods of Kubernetes manifests.
    Preview(Box<PreviewArgs>),
    /// Test what the policy does to manifests against what files azwi-test.yaml expect.
    Test(TestArgs),
    /// Print who has which identity.
    Inventory(Box<InventoryArgs>),
    /// Print the federated identity credentials that Microsoft Entra ID must hold.
    Credentials(Box<CredentialsArgs>),
    /// Say why Microsoft Entra ID refuses a token, by the text of the error or by the token.
    Diagnose(Box<DiagnoseArgs>),
    /// Write the identity into the pod templates of manifests, for pods that no policy in the cluster is asked about.
    Inject(Box<InjectArgs>),
    /// Print what replaces the azure-workload-identity webhook, or AAD Pod Identity.
    Migrate(MigrateArgs),
    /// Print the ClusterRole and ClusterRoleBinding that permit ServiceAccounts to use an identity.
    Grant(GrantArgs),
    /// Write the documents from which Microsoft Entra ID gets the keys of a self-managed cluster.
    Issuer(IssuerArgs),
    /// Review one AdmissionRequest and print the AdmissionResponse, as kwctl run does.
    Run(RunArgs),
    /// Write the policy's metadata into its module, as kwctl annotate does.
    Annotate(AnnotateArgs),
    /// Print the completions of this program's command line for a shell.
    Completions(CompletionsArgs),
}

/// The arguments of `azwi-policy completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(azwi-policy completions bash)
  azwi-policy completions zsh > ~/.zfunc/_azwi-policy
  azwi-policy completions fish > ~/.config/fish/completions/azwi-policy.fish")]
struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Runs the program with the arguments of the process, and gives its exit status back.
pub fn main() -> ExitCode {
    engine::silence_panics_of_modules();
    let file = env::args_os().next().unwrap_or_default();
    let arguments = called_as(&file).get_matches();
    let Cli { verbose, command } =
        Cli::from_arg_matches(&arguments).unwrap_or_else(|error| error.exit());
    let (outcome, failure) = match command {
        Command::Preview(args) => (preview(&args, verbose), BAD_INPUT),
        Command::Test(args) => (test(&args, verbose), BAD_INPUT),
        Command::Inventory(args) => (inventory(&args, verbose), BAD_INPUT),
        Command::Credentials(args) => (credentials(&args, verbose), BAD_INPUT),
        Command::Diagnose(args) => (diagnose(&args, verbose).map_err(without_tokens), BAD_INPUT),
        Command::Inject(args) => (inject(&args, verbose), BAD_INPUT),
        Command::Migrate(args) => (migrate(&args, verbose), BAD_INPUT),
        Command::Grant(args) => (grant(&args), BAD_INPUT),
        Command::Issuer(args) => (issuer(&args), BAD_INPUT),
        Command::Run(args) => (run(&args, verbose), REJECTED_OR_FAILED),
        Command::Annotate(args) => (annotate(&args), REJECTED_OR_FAILED),
        Command::Completions(args) => (completions(&args), REJECTED_OR_FAILED),
    };
    outcome.unwrap_or_else(|error| {
        // Whoever stops reading, as `head` does, has seen enough.
        if error
            .root_cause()
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        {
            return ExitCode::SUCCESS;
        }
        say(ERROR, "error", printable(&format!("{error:#}")));
        ExitCode::from(failure)
    })
}

/// The command line of the program in `file`, whose usage says what was typed. kubectl makes a command of a file on PATH by its
/// name, in which an underscore is a dash of the command.
fn called_as(file: &OsStr) -> clap::Command {
    let command = Cli::command();
    match Path::new(file).file_stem().and_then(OsStr::to_str) {
        Some("kubectl-azwi_policy") => command.bin_name("kubectl azwi-policy"),
        _ => command,
    }
}

fn preview(args: &PreviewArgs, verbose: bool) -> Result<ExitCode> {
    choose_colours(args.review.color);
    if args.quiet && matches!(args.output, Format::Yaml | Format::Patch) {
        bail!("--quiet: expected an output that holds problems, not yaml or patch");
    }
    let mut report = Report::new(
        anstream::stdout().lock(),
        anstream::stderr(),
        args,
        terminal_width(),
    );
    let remarks = preview::preview(
        &args.review,
        &args.detail,
        &preview::module(args.review.module.as_deref()),
        log(verbose),
        |preview| report.add(&preview).context(OUTPUT),
    )?;
    let summary = report.finish(&remarks.errors).context(OUTPUT)?;
    Ok(status(&remarks, summary.any_failed()))
}

/// Uses colours as a flag says.
fn choose_colours(color: Color) {
    let choice = match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    choice.write_global();
}

/// The columns of the terminal, if standard output is one.
fn terminal_width() -> Option<usize> {
    terminal_size_of(io::stdout()).map(|(width, _)| width.0.into())
}

/// Prints the remarks, and gives the exit status of a command that has made them.
fn status(remarks: &Remarks, has_failed: bool) -> ExitCode {
    for note in &remarks.notes {
        say(HINT, "note", printable(note));
    }
    for error in &remarks.errors {
        say(ERROR, "error", printable(error));
    }
    match (remarks.errors.as_slice(), has_failed) {
        ([], false) => ExitCode::SUCCESS,
        ([], true) => ExitCode::from(REJECTED_OR_FAILED),
        _ => ExitCode::from(BAD_INPUT),
    }
}

fn test(args: &TestArgs, verbose: bool) -> Result<ExitCode> {
    let mut output = anstream::stdout().lock();
    let width = terminal_width();
    let mut score = Score::default();
    test::test(
        args,
        || log(verbose),
        |tested| {
            score.add(&mut output, width, &tested).context(OUTPUT)?;
            let errors = tested.result.err().into_iter().flatten();
            errors.for_each(|error| say(ERROR, "error", printable(&error)));
            Ok(())
        },
    )?;
    score.finish(&mut output).context(OUTPUT)?;
    Ok(if score.any_errors() {
        ExitCode::from(BAD_INPUT)
    } else if score.any_failed() {
        ExitCode::from(REJECTED_OR_FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn run(args: &RunArgs, verbose: bool) -> Result<ExitCode> {
    run::run(
        args,
        || log(verbose),
        |outcome| {
            outcome
                .warnings
                .iter()
                .for_each(|warning| say(WARNING, "warning", warning));
            let response = serde_json::to_string(&outcome.response)?;
            writeln!(io::stdout(), "{response}").context(OUTPUT)
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn annotate(args: &AnnotateArgs) -> Result<ExitCode> {
    for warning in annotate::annotate(args)? {
        say(WARNING, "warning", warning);
    }
    Ok(ExitCode::SUCCESS)
}

fn credentials(args: &CredentialsArgs, verbose: bool) -> Result<ExitCode> {
    choose_colours(args.review.color);
    let credentials = credentials::credentials(args, log(verbose))?;
    let mut text = Vec::new();
    output::credentials::write(&mut text, &credentials, args.output, terminal_width())?;
    print(&text)?;
    credentials.complaints.iter().for_each(complain);
    let has_failed = any_fails(&credentials.complaints, args.fail_on_warning);
    Ok(status(&credentials.remarks, has_failed))
}

fn inventory(args: &InventoryArgs, verbose: bool) -> Result<ExitCode> {
    choose_colours(args.review.color);
    let inventory = inventory::inventory(args, log(verbose))?;
    let mut text = Vec::new();
    output::inventory::write(&mut text, &inventory, args.output, terminal_width())?;
    print(&text)?;
    inventory.complaints.iter().for_each(complain);
    let has_failed = any_fails(&inventory.complaints, args.fail_on_warning);
    Ok(status(&inventory.remarks, has_failed))
}

fn diagnose(args: &DiagnoseArgs, verbose: bool) -> Result<ExitCode> {
    choose_colours(args.review.color);
    let (diagnosis, remarks) = diagnose::diagnose(args, log(verbose))?;
    let mut output = anstream::stdout().lock();
    output::diagnosis::write(&mut output, &diagnosis, args.output, terminal_width())
        .context(OUTPUT)?;
    Ok(status(&remarks, diagnosis.judgement.cause.is_none()))
}

/// Writes to standard output, without colours if that does not want them.
fn print(text: &[u8]) -> Result<()> {
    let mut output = anstream::stdout().lock();
    output.write_all(text).context(OUTPUT)?;
    output.flush().context(OUTPUT)
}

/// An error without the token that somebody gave in place of a file.
fn without_tokens(error: anyhow::Error) -> anyhow::Error {
    let text = format!("{error:#}");
    let hidden = redaction::without_tokens(&text);
    if hidden == text {
        error
    } else {
        anyhow!("{hidden}; help: give the name of a file, or - for standard input")
    }
}

/// Prints something that is wrong.
fn complain(complaint: &Complaint) {
    let style = match complaint.level {
        Level::Error => ERROR,
        Level::Warning => WARNING,
    };
    say(style, complaint.level.name(), printable(&complaint.text));
}

fn inject(args: &InjectArgs, verbose: bool) -> Result<ExitCode> {
    choose_colours(args.review.color);
    let injected = inject::inject(args, log(verbose))?;
    for (kind, text) in &injected.said {
        say(style_of(*kind), kind.name(), printable(text));
    }
    let is_failed = !injected.refused.is_empty() || (args.check && !injected.objects.is_empty());
    let is_wrong = !injected.remarks.errors.is_empty();
    let writes = !args.check && !args.diff;
    if !is_wrong {
        if args.in_place {
            injected.write()?;
        } else {
            let text = if args.diff {
                injected.diff()
            } else if args.check {
                String::new()
            } else {
                injected.stream()?
            };
            io::stdout().write_all(text.as_bytes()).context(OUTPUT)?;
        }
        let label = if writes { "injected" } else { "to be injected" };
        for object in &injected.objects {
            say(PLAIN, label, printable(object));
        }
    }
    for refusal in &injected.refused {
        say(ERROR, "error", printable(refusal));
    }
    Ok(status(&injected.remarks, is_failed))
}

fn grant(args: &GrantArgs) -> Result<ExitCode> {
    let objects = grant::grant(args)?;
    io::stdout().write_all(objects.as_bytes()).context(OUTPUT)?;
    Ok(ExitCode::SUCCESS)
}

fn issuer(args: &IssuerArgs) -> Result<ExitCode> {
    let issued = issuer::issuer(args)?;
    io::stdout()
        .write_all(printable(&issued.text).as_bytes())
        .context(OUTPUT)?;
    for note in &issued.notes {
        say(HINT, "note", printable(note));
    }
    Ok(if issued.differs {
        ExitCode::from(REJECTED_OR_FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn migrate(args: &MigrateArgs, verbose: bool) -> Result<ExitCode> {
    let migrated = migrate::migrate(args, log(verbose))?;
    io::stdout()
        .write_all(migrated.text.as_bytes())
        .context(OUTPUT)?;
    for note in &migrated.remarks.notes {
        say(HINT, "note", printable(note));
    }
    for warning in &migrated.remarks.warnings {
        say(WARNING, "warning", printable(warning));
    }
    for difference in &migrated.differences {
        say(ERROR, "difference", printable(difference));
    }
    Ok(if migrated.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REJECTED_OR_FAILED)
    })
}

fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Not straight to standard output: the generator panics if nobody reads to the end.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut script = String::from_utf8(script).context("the completions")?;
    if args.shell == Shell::Bash {
        // Two spellings of a name with a hyphen, of which one is never looked up: clap-rs/clap#6421.
        script = script.replace("azwi__subcmd__policy", "azwi__policy");
    }
    if args.shell == Shell::Fish {
        // The generator leaves values that are no flag's to fish, which offers files.
        let shells = Shell::value_variants().iter().map(ToString::to_string);
        let shells: Vec<_> = shells.collect();
        let shells = shells.join(" ");
        script += &format!(
            "complete -c azwi-policy -n \"__fish_azwi_policy_using_subcommand completions\" -f -a \"{shells}\"\n"
        );
    }
    io::stdout().write_all(script.as_bytes()).context(OUTPUT)?;
    Ok(ExitCode::SUCCESS)
}

/// The receiver of a policy's log messages, if the user wants them.
fn log(verbose: bool) -> Option<LogSink> {
    verbose.then(|| -> LogSink { Box::new(|line| say(PLAIN, "policy log", line)) })
}

/// Writes a line to standard error; if that is closed, nobody wants it.
fn say(style: Style, label: &str, text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{style}{label}{style:#}: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
