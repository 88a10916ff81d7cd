//! `rushhour intake score`: how much of a synthetic population's truth a pipeline recovers.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use rushhour_dataset::error::Error;
use rushhour_dataset::score::{Figures, Score, Summary, TruthFiles};
use rushhour_model::ids::UserId;

use crate::exit::{Exit, Failure};
use crate::intake_args::TransitArgs;
use crate::output::{say, show};
use crate::progress::counter;
use crate::report::Format;
use crate::score_source::Source;
use crate::score_table::{Group, flat, text};

/// Tell how much of a synthetic population's truth a pipeline recovers.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour intake score --truth DIR
  rushhour intake score --truth DIR --trips misses.csv --by user
  rushhour intake score --truth DIR --documents berlin_*.analysis.json.gz
  rushhour intake score --truth DIR --recall-min 0.95 --precision-min 0.95 --mode-min 0.90

Without --timeline and --documents our pipeline runs over the entries of the data set. Whose a
file is, is told by the id in its name (PREFIX_UUID.json.gz) or by the user_id of what is in it.
docs/SCORING.md says how trips are matched and what each number means.")]
pub(crate) struct Args {
    /// The data set, as `rushhour synth` writes it, or its folder `truth`
    #[arg(long, value_name = "DIR")]
    truth: PathBuf,
    /// Entries to run our pipeline over: files, or folders of them
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "documents")]
    timeline: Vec<PathBuf>,
    /// Documents that a pipeline wrote, the original or ours: files, or folders of them
    #[arg(long, value_name = "PATH", num_args = 1..)]
    documents: Vec<PathBuf>,
    /// How to print the figures: tables, everything as JSON, or one CSV line per group
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Also tell the figures one by one
    #[arg(long, value_enum, value_name = "GROUP")]
    by: Option<By>,
    /// Write what became of each trip as CSV
    #[arg(long, value_name = "FILE")]
    trips: Option<PathBuf>,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    transit: TransitArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// For each person.
    User,
}

/// What must be reached.
#[derive(Clone, Debug, clap::Args)]
struct Limits {
    /// Fail below this recall
    #[arg(long, value_name = "SHARE", value_parser = share)]
    recall_min: Option<f64>,
    /// Fail below this precision
    #[arg(long, value_name = "SHARE", value_parser = share)]
    precision_min: Option<f64>,
    /// Fail when sections have the true mode in less of the time
    #[arg(long, value_name = "SHARE", value_parser = share)]
    mode_min: Option<f64>,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|error: std::num::ParseFloatError| error.to_string())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share is between 0 and 1".to_owned()) }
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let stops = args.transit.stops().map_err(Failure::Usage)?;
    // Whoever names the folder of the truth means the data set that it belongs to.
    let dir = args.truth.parent().filter(|_| args.truth.ends_with("truth")).unwrap_or(&args.truth);
    let truth = TruthFiles::open(dir).map_err(unreadable)?;
    let users = truth.users().iter().map(|row| {
        let id = UserId::parse(&row.user_id).ok_or_else(|| anyhow!("users: {} is no id of a person", row.user_id));
        Ok((row.token.clone(), id?))
    });
    let tokens: Vec<(String, UserId)> = users.collect::<Result<_>>().map_err(Failure::Usage)?;
    let users: Vec<UserId> = tokens.iter().map(|(_, user)| *user).collect();
    let mut source = match (args.timeline.as_slice(), args.documents.as_slice()) {
        ([], []) => Source::data_set(dir, tokens, stops),
        ([], documents) => Source::documents(documents, &users, quiet),
        (timeline, _) => Source::timeline(timeline, &users, stops),
    }
    .map_err(Failure::Usage)?;
    let judged = judge(args, truth, &users, &mut source, quiet)?;
    print(args, &judged)?;
    source.tell(&users);
    let breaches = args.limits.breaches(&judged.summary.overall);
    breaches.iter().for_each(|breach| say(breach));
    Ok(if breaches.is_empty() { source.exit() } else { Exit::Breached })
}

fn unreadable(error: Error) -> Failure {
    Failure::Usage(anyhow::Error::new(error).context("reading the truth"))
}

/// What was found out.
struct Judged {
    summary: Summary,
    /// The figures of each person, if they were asked for.
    people: Vec<Group>,
}

fn judge(
    args: &Args,
    truth: TruthFiles,
    users: &[UserId],
    source: &mut Source,
    quiet: bool,
) -> Result<Judged, Failure> {
    let mut rows = args.trips.as_deref().map(create).transpose()?;
    let mut score = Score::new();
    let mut people = Vec::new();
    let bar = counter(quiet, "people", users.len() as u64);
    for (user, truth) in users.iter().zip(truth) {
        let truth = truth.map_err(unreadable)?;
        let found = source.found(*user).map_err(Failure::Usage)?;
        let comparison = score.add_user(&truth, &found);
        if let Some(rows) = &mut rows {
            comparison.table().try_for_each(|row| rows.serialize(row)).context("writing the trips")?;
        }
        if args.by.is_some() {
            people.push(Group::new("user", truth.user_id.clone(), comparison.figures()));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(rows) = &mut rows {
        rows.flush().context("writing the trips")?;
    }
    Ok(Judged { summary: score.summary(), people })
}

fn create(path: &Path) -> Result<csv::Writer<std::fs::File>> {
    csv::Writer::from_path(path).with_context(|| format!("creating {}", path.display()))
}

fn print(args: &Args, judged: &Judged) -> Result<()> {
    let Judged { summary, people } = judged;
    let mut groups = vec![Group::new("all", "everybody".to_owned(), summary.overall.clone())];
    groups.extend(summary.by_platform.iter().map(|(of, figures)| group("platform", of.name(), figures)));
    groups.extend(summary.by_fault.iter().map(|(of, figures)| group("fault", of.name(), figures)));
    groups.extend(people.iter().cloned());
    match args.format {
        Format::Table => show(&text(&groups, &summary.overall)),
        Format::Csv => show(&flat(&groups).csv()),
        Format::Json => show(&(serde_json::to_string_pretty(&groups).context("writing the figures as JSON")? + "\n")),
    }
}

fn group(kind: &'static str, name: &str, figures: &Figures) -> Group {
    Group::new(kind, name.to_owned(), figures.clone())
}

impl Limits {
    /// What was not reached, each in a line.
    fn breaches(&self, figures: &Figures) -> Vec<String> {
        let limits = [
            ("recall", figures.recall, self.recall_min),
            ("precision", figures.precision, self.precision_min),
            ("mode", figures.mode, self.mode_min),
        ];
        let breach = |(name, reached, limit): (&str, Option<f64>, Option<f64>)| match (reached, limit?) {
            (Some(reached), limit) if reached >= limit => None,
            (Some(reached), limit) => Some(format!("breached: {name} {reached:.4} is below --{name}-min {limit}")),
            (None, limit) => Some(format!("breached: there is no {name} to hold against --{name}-min {limit}")),
        };
        limits.into_iter().filter_map(breach).collect()
    }
}
