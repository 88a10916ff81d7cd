//! Every command that the documentation and the help show is one that the program takes.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Parser};

use crate::Args;

const PROGRAM: &str = "rushhour ";

/// The files that tell people what to type.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [".", "docs", "docs/design", "results", "scenarios", "scenarios/targets", "scripts/observability"];
    let files =
        folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap()).map(|file| file.unwrap().path());
    let is_read = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        ["md", "toml", "yml"].iter().any(|ending| name.ends_with(ending)) && name != "Cargo.toml"
    };
    files.filter(is_read).collect()
}

/// The commands in a text: lines of its blocks of shell, and what stands between backticks.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 1 {
            let lines = part.replace("\\\n", " ");
            let typed = lines.lines().map(|line| line.trim_start_matches("target/release/"));
            // What a command does may stand beside it.
            let alone = typed.map(|line| line.split("   ").next().unwrap_or_default());
            found.extend(alone.filter(|line| line.starts_with(PROGRAM)).map(str::to_owned));
        } else {
            let unbroken = part.replace("\n# ", " ").replace('\n', " ");
            let quoted = unbroken.split("`rushhour ").skip(1).filter_map(|rest| rest.split('`').next());
            found.extend(quoted.map(|rest| format!("{PROGRAM}{rest}")));
        }
    }
    found
}

/// The examples in the help of a command and of those below it.
fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_help().map(|help| help.to_string().replace("\\\n", " ")).unwrap_or_default();
    let own = help.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| line.starts_with(PROGRAM)));
    own.map(str::to_owned).chain(command.get_subcommands().flat_map(examples)).collect()
}

/// What is wrong with a command, if it could be typed as it stands.
fn wrong(command: &str) -> Option<String> {
    let is_sketch = ["…", "[", "$(", "{{", " || "].iter().any(|sign| command.contains(sign))
        || command.split(' ').next_back().is_some_and(|word| word.starts_with("--"));
    let words = shlex::split(command.split(['>', '|', ';', '&']).next()?)?;
    let is_left_out = cfg!(not(feature = "journeys")) && words.get(1).is_some_and(|word| word == "journeys");
    if is_sketch || is_left_out {
        return None;
    }
    let error = Args::try_parse_from(words).err()?;
    // `URL` stands for one.
    let is_incomplete = matches!(
        error.kind(),
        ErrorKind::ValueValidation
            | ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    (!is_incomplete).then(|| format!("{command}: {error}"))
}

#[test]
fn what_is_told_to_be_typed_can_be_typed() {
    let told: Vec<String> = documents()
        .iter()
        .flat_map(|file| commands(&fs::read_to_string(file).unwrap()))
        .chain(examples(&Args::command()))
        .collect();
    assert!(told.len() > 200, "{}", told.len());
    let wrong: Vec<String> = told.iter().filter_map(|command| wrong(command)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_flag_that_does_not_exist_is_found() {
    assert!(wrong("rushhour serve --intake-every 1h").is_some());
    assert_eq!(
        commands("a `rushhour serve\n--data DIR` b\n```sh\nrushhour help # more\n```"),
        ["rushhour serve --data DIR", "rushhour help # more"]
    );
}
