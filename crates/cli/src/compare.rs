//! `rushhour compare`: two builds of the server on this machine, in pairs of runs made one after the other.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rushhour_launch::host::environment;
use rushhour_launch::pairs::{BUILDS_FILE, NOISE, PAIR, SIDES};
use rushhour_launch::run_page::{PAGE_FILE, name, read_origin};
use rushhour_launch::rundir::new_folder;
use rushhour_launch::target::{Server, Target};
use rushhour_launch::{Launch, launch};
use rushhour_load::scenario::{Overrides, Seconds};
use rushhour_report::compare::{Pair, Pairs, compare};
use rushhour_report::page::compare_page;
use rushhour_report::result::{RunResult, Verdict};

use crate::exit::{Exit, Failure};
use crate::launch::TargetArgs;
use crate::load::block_on_one_thread;
use crate::load_args::parse_seconds;
use crate::materials::scenario;
use crate::output::{say, show};
use crate::progress::Progress;
use crate::report_compare::{TellingArgs, tell};
use crate::report_page::{origin_of, write};
use crate::surroundings;

/// Compare two builds of the server: pairs of runs on this machine, in an order that is drawn.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  rushhour compare --baseline main --candidate HEAD --scenario scenarios/quickstart.toml
  rushhour compare --baseline old/rushhour --candidate new/rushhour --scenario sync.toml --pairs 20
  rushhour compare --baseline v1 --candidate HEAD --scenario sync.toml --machine m5.large

A build is a program, or a revision that git knows where you stand: that is built beside your tree.
First the baseline is compared with itself, so that the machine's noise is known. On a noisy
machine, processor time and bytes written for each request decide, and latency informs.
Exit code 4: worse by more than the tolerance.")]
pub(crate) struct Args {
    /// What was: a program, or a git revision
    #[arg(long, value_name = "REF|BIN")]
    baseline: String,
    /// What is to be judged
    #[arg(long, value_name = "REF|BIN")]
    candidate: String,
    /// The scenario that both are sent
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// How many pairs of runs
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pairs: u32,
    /// How many pairs of the baseline with itself, before
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    noise_pairs: u32,
    /// Same number, same order of runs
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    order: u64,
    /// Keep all runs in a new folder below this one
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    #[command(flatten)]
    telling: TellingArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// How long each run measures, such as 30s or 5m; without it, as long as the scenario says
    #[arg(long, value_parser = parse_seconds)]
    duration: Option<Seconds>,
    /// How many people
    #[arg(long, value_name = "COUNT")]
    users: Option<NonZeroU32>,
    /// A folder of recorded phone days, *.raw.json or *.raw.json.gz
    #[arg(long, value_name = "DIR")]
    days: Option<PathBuf>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args, quiet: bool) -> Result<Exit, Failure> {
    let target = args.target.target()?;
    if matches!(target.server, Server::External { .. }) {
        return Err(Failure::Usage(anyhow!(
            "both builds are started here, and `{}` runs elsewhere",
            target.name.as_str()
        )));
    }
    let builds = tempfile::tempdir().context("making a folder for the builds")?;
    // Both are found before the first is built: that takes minutes, in which a branch may move on.
    let found = [Build::named(&args.baseline)?, Build::named(&args.candidate)?];
    let program = |build: &Build, side: &str| build.program(&builds.path().join(side));
    let programs = [program(&found[0], SIDES[0])?, program(&found[1], SIDES[1])?];
    let environment = environment(&surroundings::caller());
    let date = environment.started_at.get(..10).unwrap_or("undated");
    let stem = args.scenario.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let dir = new_folder(&args.out, &format!("{date}-{}-compare-{stem}", environment.host))?;
    let told = format!("baseline = {:?}\ncandidate = {:?}\n", found[0].told(), found[1].told());
    std::fs::write(dir.join(BUILDS_FILE), told).with_context(|| format!("writing into {}", dir.display()))?;
    let mut order = Xoshiro256PlusPlus::seed_from_u64(args.order);
    let mut series = |kind: &str, count: u32, programs: [&Path; 2]| -> Result<Option<Vec<Pair>>, Failure> {
        let mut pairs = Vec::new();
        for number in 1..=count {
            if !quiet {
                say(&format!("{kind}{number:02} of {count}"));
            }
            let pair = dir.join(format!("{kind}{number:02}"));
            match one_pair(args, &target, programs, &pair, order.random())? {
                Some(runs) => pairs.push(runs),
                None => return Ok(None),
            }
        }
        Ok(Some(pairs))
    };
    let [baseline, candidate] = [programs[0].as_path(), programs[1].as_path()];
    let Some(noise) = series(NOISE, args.noise_pairs, [baseline, baseline])? else { return Ok(Exit::Interrupted) };
    let Some(pairs) = series(PAIR, args.pairs, [baseline, candidate])? else { return Ok(Exit::Interrupted) };
    let pairs = Pairs { pairs, noise, unfinished: 0 };
    let comparison = compare(&pairs, args.telling.tolerance / 100.0);
    let page = compare_page(&name(&dir), &origin_of(&pairs, read_origin(&dir)), &pairs, &comparison);
    write(&dir.join(PAGE_FILE), &page)?;
    let exit = tell(&comparison, args.telling)?;
    show(&format!("\nkept in {}\n", dir.display()))?;
    Ok(exit)
}

/// Both runs of a pair, whichever came first; `None` when somebody stopped one.
fn one_pair(
    args: &Args,
    target: &Target,
    [baseline, candidate]: [&Path; 2],
    pair: &Path,
    is_swapped: bool,
) -> Result<Option<Pair>, Failure> {
    let [first, second] = if is_swapped { [candidate, baseline] } else { [baseline, candidate] };
    let [first_side, second_side] = if is_swapped { [SIDES[1], SIDES[0]] } else { SIDES };
    let first = one_run(args, target, first, &pair.join(first_side))?;
    if first.verdict == Verdict::Interrupted {
        return Ok(None);
    }
    let second = one_run(args, target, second, &pair.join(second_side))?;
    let is_whole = second.verdict != Verdict::Interrupted;
    Ok(is_whole.then_some(if is_swapped { (second, first) } else { (first, second) }))
}

fn one_run(args: &Args, target: &Target, program: &Path, out: &Path) -> Result<RunResult, Failure> {
    let overrides =
        Overrides { measure_s: args.duration, users: args.users, days_dir: args.days.clone(), ..Overrides::default() };
    let (scenario, materials) = scenario(Some(&args.scenario), overrides, true)?;
    let environment = environment(&surroundings::caller());
    let job = Launch::new((scenario, materials), target.clone(), program.to_owned(), environment);
    let progress = Progress::new(true);
    let (_, result) = block_on_one_thread(async |stop| launch(job, out, None, progress, stop).await)?;
    Ok(result)
}

/// What somebody calls a build.
enum Build {
    Program { name: String, path: PathBuf },
    Revision { name: String, commit: String },
}

impl Build {
    fn named(name: &str) -> Result<Self, Failure> {
        let path = Path::new(name);
        if path.is_file() {
            let path = path.canonicalize().with_context(|| format!("finding {name}"))?;
            return Ok(Self::Program { name: name.to_owned(), path });
        }
        match revision(name)? {
            Some(commit) => Ok(Self::Revision { name: name.to_owned(), commit }),
            None => Err(Failure::Usage(anyhow!("`{name}` is neither a program nor a revision that git knows here"))),
        }
    }

    /// What it was called, and what that stands for now.
    fn told(&self) -> String {
        match self {
            Self::Program { name, .. } => name.clone(),
            Self::Revision { name, commit } => format!("{name} ({commit})"),
        }
    }

    /// The program, which is built in the folder `dir` if there is none.
    fn program(&self, dir: &Path) -> Result<PathBuf> {
        let commit = match self {
            Self::Program { path, .. } => return Ok(path.clone()),
            Self::Revision { commit, .. } => commit,
        };
        let tree = dir.join("tree");
        let tree_text = tree.to_str().context("the folder for builds has a name that is no text")?;
        git(&["worktree", "add", "--force", "--detach", tree_text, commit])?;
        let built = build(&tree, dir);
        git(&["worktree", "remove", "--force", tree_text])?;
        built
    }
}

/// The commit that `name` stands for, if git knows one.
fn revision(name: &str) -> Result<Option<String>> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).stderr(Stdio::inherit());
    let output = git.output().context("asking git for a revision")?;
    let commit = String::from_utf8(output.stdout).context("git answered with no text")?;
    Ok(output.status.success().then(|| commit.trim().to_owned()))
}

fn build(tree: &Path, dir: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--package", "rushhour", "--target-dir"]).arg(dir);
    call(cargo.current_dir(tree))?;
    Ok(dir.join("release/rushhour"))
}

fn git(arguments: &[&str]) -> Result<()> {
    call(Command::new("git").args(arguments))
}

/// Runs a command whose own words on stderr are for the person.
fn call(command: &mut Command) -> Result<()> {
    let told = format!("{command:?}");
    let status =
        command.stdin(Stdio::null()).stdout(Stdio::null()).status().with_context(|| format!("running {told}"))?;
    if !status.success() {
        bail!("{told} ended with {status}");
    }
    Ok(())
}
