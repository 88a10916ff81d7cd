//! `rushhour capacity`: the highest rate, or number of phones, that a target carries; and what that costs per machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;
use rushhour_launch::capacity::{Steps, Watching, read, search};
use rushhour_launch::host::environment;
use rushhour_launch::machine::Shape;
use rushhour_launch::rundir::RunDir;
use rushhour_launch::target::{Server, Target};
use rushhour_launch::{Launch, shape};
use rushhour_load::plan::Materials;
use rushhour_load::scenario::Scenario;
use rushhour_load::tls::Trust;
use rushhour_report::capacity::{
    Agreement, Capacity, Conclusion, Outcome, Phase, Search, SearchPlan, Step, Subject, Unit, agree, text,
};
use rushhour_report::environment::Environment;

use crate::capacity_cost;
use crate::capacity_table;
use crate::capacity_usl;
use crate::exit::{Exit, Failure};
use crate::launch::TargetArgs;
use crate::load::block_on_one_thread;
use crate::load_args::OverrideArgs;
use crate::materials::scenario;
use crate::output::{say, show};
use crate::progress::Progress;
use crate::surroundings;

/// Find the highest rate, or number of phones, that holds the limits; or say what machines carry and cost.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  rushhour capacity scenarios/capacity-mix.toml --machine t3.medium
  rushhour capacity scenarios/capacity-phones.toml --target scenarios/targets/half-core.toml
  rushhour capacity cost scenarios/capacity-phones.toml --machine m5.large --out results
  rushhour capacity table --cost results/2026-11-23-vm-cost-capacity-phones-local-2 --instances m5.large,m8g.xlarge --months 1,6 --disk gp3:10
  rushhour capacity agree results/ONE results/OTHER

Each step is a run of its own, with a fresh store: rates climb until a limit gives way, the place is
halved down to 5 %, then the answer must hold three times and 5 % more must break three times. A run
that the generator or a noisy machine decided is no step. With people who live (`population.live`) the
search is over phones: a hundred at sixty times the speed of life stand for six thousand."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The scenario file: constant rates, or people who live
    #[arg(required = true)]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// Where to begin: requests per second, or phones at the speed of life; what the scenario offers when absent
    #[arg(long, value_name = "RATE")]
    start: Option<f64>,
    /// Look no higher
    #[arg(long, value_name = "RATE", default_value_t = 1e9)]
    rate_max: f64,
    /// How much higher each step of the ramp is
    #[arg(long, value_name = "FACTOR", default_value_t = 1.25)]
    ramp: f64,
    /// How near the answer must be
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    precision: f64,
    /// How often the answer must hold, and more must break
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    confirmations: u32,
    /// How long each step of the ramp measures; people who live do so for as long as the scenario says
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    step: Duration,
    /// How long each confirmation measures; people who live do so for as long as the scenario says
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    confirm: Duration,
    #[command(flatten)]
    overrides: OverrideArgs,
    /// Keep the search in a new folder below this one
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure what a day of a user costs the server
    Cost(capacity_cost::Args),
    /// Say how many users machines carry for how many months, and what that costs
    Table(capacity_table::Args),
    /// Fit the Universal Scalability Law to measurements
    Usl(capacity_usl::Args),
    /// Compare two searches of the same target
    #[command(after_help = "Example:
  rushhour capacity agree results/2026-11-22-vm-capacity-capacity-mix-m5-large \\
    results/2026-11-22-vm-capacity-capacity-mix-m5-large-2

It ends with 0 when they agree within 10 %, 3 when they do not, and 5 when it cannot tell.")]
    Agree {
        /// A search's folder
        one: PathBuf,
        /// Another's
        other: PathBuf,
    },
}

/// Reads `10s` or `2m`.
pub(crate) fn time(text: &str) -> Result<Duration> {
    let time: jiff::SignedDuration = text.parse().context("write a time as in 10s or 2m")?;
    Ok(Duration::try_from(time)?)
}

/// Runs the subcommand.
pub(crate) fn run(args: Args, quiet: bool) -> Result<Exit, Failure> {
    match args.command {
        Some(Command::Cost(args)) => capacity_cost::run(args, quiet),
        Some(Command::Table(args)) => capacity_table::run(&args),
        Some(Command::Usl(args)) => capacity_usl::run(&args),
        Some(Command::Agree { one, other }) => compare(&one, &other),
        None => find(args, quiet),
    }
}

fn find(args: Args, quiet: bool) -> Result<Exit, Failure> {
    let file = args.scenario.as_deref().expect("clap asks for it");
    let tried = Tried::of(file, &args.target, args.overrides, quiet)?;
    let mut plan = SearchPlan::new(tried.unit(), args.start.unwrap_or(tried.offered));
    plan.rate_max = args.rate_max;
    if let Some(live) = tried.scenario.live() {
        // Who lives so quickly stands for as many: fewer cannot be offered, and no smaller difference.
        plan.difference_min = live.speed.as_f64().ceil();
        plan.rate_min = plan.difference_min;
    }
    plan.rate_min = plan.rate_min.min(plan.start);
    (plan.ramp_factor, plan.precision_ratio, plan.confirmations) = (args.ramp, args.precision, args.confirmations);
    let beginning = Search::new(plan).map_err(|error| Failure::Usage(error.into()))?;
    let dir = RunDir::create_many(&args.out, "capacity", (&tried.scenario, &tried.target), &tried.environment)?;
    let dir = dir.path();
    let progress = Progress::new(quiet);
    let capacity = block_on_one_thread(async |stop| {
        let watching = Told { unit: plan.unit, quiet };
        let searching = Searching { tried: &tried, step: args.step, confirm: args.confirm };
        search((beginning, tried.subject()), &searching, dir, (&watching, progress), stop).await
    })?;
    show(&text(&capacity))?;
    show(&format!("\nkept in {}\n", dir.display()))?;
    Ok(exit(&capacity))
}

fn exit(capacity: &Capacity) -> Exit {
    match &capacity.conclusion {
        Conclusion::Found | Conclusion::AtLeast => Exit::Done,
        Conclusion::Below => Exit::Breached,
        Conclusion::CannotTell(_) => Exit::Invalid,
    }
}

/// What many runs are made from.
pub(crate) struct Tried {
    pub(crate) scenario: Scenario,
    materials: Materials,
    trust: Trust,
    pub(crate) target: Target,
    program: PathBuf,
    pub(crate) environment: Environment,
    /// What the target is held to.
    shape: Option<Shape>,
    /// What the scenario offers as it is written.
    pub(crate) offered: f64,
}

impl Tried {
    pub(crate) fn of(file: &Path, target: &TargetArgs, overrides: OverrideArgs, quiet: bool) -> Result<Self, Failure> {
        let caller = surroundings::caller();
        let trust = overrides.trust();
        let (scenario, materials) = scenario(Some(file), overrides.overrides(), quiet)?;
        let offered = scenario.offered().map_err(|error| Failure::Usage(error.into()))?;
        let target = target.target()?;
        let (program, environment) = (surroundings::program()?, environment(&caller));
        let shape = shape(&target, &environment).map_err(Failure::Usage)?;
        Ok(Self { scenario, materials, trust, target, program, environment, shape, offered })
    }

    /// A run of `scenario`, which is this one with other numbers.
    pub(crate) fn launching(&self, scenario: Scenario) -> Launch {
        let materials = self.materials.afresh(scenario.users());
        let (target, program) = (self.target.clone(), self.program.clone());
        Launch {
            trust: self.trust.clone(),
            ..Launch::new((scenario, materials), target, program, self.environment.clone())
        }
    }

    fn unit(&self) -> Unit {
        if self.scenario.live().is_some() { Unit::Phones } else { Unit::PerS }
    }

    fn subject(&self) -> Subject {
        let host = &self.environment.cpu_model;
        let machine = match (&self.target.server, &self.shape) {
            (Server::External { instance, .. }, _) => match instance {
                Some(instance) => format!("{instance}, as its target says"),
                None => "a machine that is not known".to_owned(),
            },
            (Server::Reference, Some(shape)) => shape.name.clone(),
            (Server::Reference, None) => format!("{host}, {} cores shared with the generator", self.environment.cores),
        };
        Subject {
            scenario: self.scenario.name.as_str().to_owned(),
            target: self.target.name.as_str().to_owned(),
            machine,
            is_emulated: self.target.machine.is_some(),
            limits: self.scenario.limits().iter().map(ToString::to_string).collect(),
        }
    }
}

/// The runs of a search.
struct Searching<'a> {
    tried: &'a Tried,
    step: Duration,
    confirm: Duration,
}

impl Steps for Searching<'_> {
    fn launch(&self, rate: f64, phase: Phase) -> Result<Launch> {
        let measured = match phase {
            Phase::Ramp | Phase::Bisection | Phase::Ladder => self.step,
            Phase::Confirm | Phase::ConfirmAbove => self.confirm,
        };
        Ok(self.tried.launching(self.tried.scenario.offering(rate, measured)?))
    }
}

/// Says on stderr how the search goes on.
struct Told {
    unit: Unit,
    quiet: bool,
}

impl Told {
    fn offered(&self, rate: f64) -> String {
        match self.unit {
            Unit::PerS => format!("{rate:.0} per second"),
            Unit::Phones => format!("{rate:.0} phones"),
        }
    }
}

impl Watching for Told {
    fn begins(&self, number: usize, phase: Phase, rate: f64) {
        if !self.quiet {
            say(&format!("step {number}, {}: {}", phase.word(), self.offered(rate)));
        }
    }

    fn ended(&self, step: &Step) {
        if self.quiet {
            return;
        }
        let p99 = step.observed.response_p99_ms.map_or_else(String::new, |ms| format!(", slowest p99 {ms:.1} ms"));
        say(&match &step.observed.outcome {
            Outcome::Holds => format!("  holds{p99}"),
            Outcome::Breaks(why) => format!("  breaks: {why}"),
            Outcome::Void(why) => format!("  says nothing: {why}"),
        });
    }
}

fn compare(one: &Path, other: &Path) -> Result<Exit, Failure> {
    let [one, other] = [one, other].map(|dir| read(dir).map_err(Failure::Usage));
    let (one, other) = (one?, other?);
    let (line, exit) = match agree(&one, &other) {
        Agreement::Within(ratio) => (format!("they agree: within {:.1} %", (ratio - 1.0) * 100.0), Exit::Done),
        Agreement::Differ(ratio) => (format!("they differ by {:.1} %", (ratio - 1.0) * 100.0), Exit::Breached),
        Agreement::CannotTell(why) => (format!("cannot tell: {why}"), Exit::Invalid),
    };
    show(&(line + "\n"))?;
    Ok(exit)
}
