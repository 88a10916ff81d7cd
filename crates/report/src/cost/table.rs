//! Users, months and dollars per machine, each row with how it is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use crate::catalogue::Catalogue;
use crate::cost::found::{Filled, PredictionError, Searched, confirmed, prediction_error};
use crate::cost::{CostVector, Deployment, Figure, Headroom, Supported, supported};
use crate::instance::Instance;
use crate::limit::rounded;
use crate::summary::bytes;
use crate::table::Table;
use crate::usl::{Fit, markdown, text_with_table};
use crate::volume::Volume;

/// Months of a year are of different lengths.
const DAYS_PER_MONTH: f64 = 365.0 / 12.0;
/// What the wish for this program was written with: a machine, its disk, and what they were to cost in a month.
const SOURCE_ROWS: [(&str, &str, f64); 2] = [("m5.large", "gp2:1", 70.0), ("m5.xlarge", "io1:10:500", 180.0)];
/// What stands for a number that is not known.
const UNKNOWN: &str = "–";

/// What a table is made of.
#[derive(Clone, Copy, Debug)]
pub struct TableOrder<'a> {
    /// The machines.
    pub instances: &'a [Instance],
    /// The disks, each with each machine.
    pub volumes: &'a [Volume],
    /// How long a study lasts.
    pub months: &'a [u32],
    /// What a day costs.
    pub cost: &'a CostVector,
    /// How much is planned with.
    pub headroom: Headroom,
    /// Calibration units per core, of instances on which somebody calibrated.
    pub calibrations: &'a BTreeMap<String, f64>,
    /// What was searched for on one of the machines.
    pub searches: &'a [Searched],
    /// What was filled of the disks.
    pub filled: &'a [Filled],
}

/// How a row is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known {
    /// A search on the machine itself.
    Measured,
    /// A search on another machine that was held to its measure.
    Emulated,
    /// The costs of a day alone, from so many times fewer cores.
    Extrapolated(f64),
}

impl Display for Known {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured => to.write_str("measured"),
            Self::Emulated => to.write_str("emulated"),
            Self::Extrapolated(ratio) => write!(to, "extrapolated ×{}", hundredths(*ratio)),
        }
    }
}

/// A machine, a disk and a length of study.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The machine.
    pub instance: String,
    /// The disk.
    pub volume: Volume,
    /// How long.
    pub months: u32,
    /// How many, with what gives way first.
    pub supported: Supported,
    /// How that is known.
    pub known: Known,
    /// Where something was found that the costs of a day predict: how far that is off.
    pub prediction_error: Option<PredictionError>,
    /// Machine and disk.
    pub price_month_usd: f64,
    /// What the source thought they cost, where the row is its own.
    pub source_month_usd: Option<f64>,
}

impl Row {
    /// Machine and disk, for each user; `None` when there is none.
    pub fn price_user_month_usd(&self) -> Option<f64> {
        (self.supported.users > 0).then(|| self.price_month_usd / self.supported.users as f64)
    }
}

/// The rows, and what must be known to read them.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityTable {
    /// First the source's own, then instance by instance.
    pub rows: Vec<Row>,
    /// One sentence each.
    pub notes: Vec<String>,
    /// How throughput grows with cores, to be shown beside the rows, of which it makes none.
    pub law: Option<Fit>,
    has_intervals: bool,
}

impl CapacityTable {
    /// Every machine with every disk for every length, between the source's own two and those that were searched; `None` when
    /// a day costs nothing.
    pub fn new(order: &TableOrder<'_>, catalogue: &Catalogue) -> Option<Self> {
        let own = SOURCE_ROWS.iter().filter_map(|(name, volume, usd)| {
            let volume = volume.parse().expect("the source's own disks can be ordered");
            // A price list of somebody else's may lack them.
            Some((catalogue.instance(name).ok()?, volume, Some(*usd)))
        });
        let asked = order
            .instances
            .iter()
            .flat_map(|instance| order.volumes.iter().map(move |volume| (instance, *volume, None)));
        let searched = order.searches.iter().filter_map(|searched| {
            // A price list of somebody else's may lack it.
            Some((catalogue.instance(&searched.instance).ok()?, searched.volume, None))
        });
        let mut pairs: Vec<Pair<'_>> = Vec::new();
        for pair in own.chain(asked).chain(searched) {
            if !pairs.iter().any(|(instance, volume, _)| instance.name == pair.0.name && *volume == pair.1) {
                pairs.push(pair);
            }
        }
        let cells = pairs.iter().flat_map(|pair| order.months.iter().map(move |months| (pair, *months)));
        let rows = cells.map(|(pair, months)| row(order, catalogue, pair, months)).collect::<Option<_>>()?;
        let notes = notes(order, &pairs, catalogue);
        Some(Self { rows, notes, law: None, has_intervals: order.cost.repeats > 1 })
    }

    /// The rows as a table.
    pub fn table(&self) -> Table {
        let headings = [
            "instance",
            "volume",
            "binding",
            "known",
            "months",
            "users",
            "users_low",
            "users_high",
            "usd_month",
            "usd_user_month",
            "source_usd_month",
            "prediction_error",
        ];
        let mut table = Table::new(4, &headings);
        table.rows.extend(self.rows.iter().map(|row| self.cells(row)));
        table
    }

    fn cells(&self, row: &Row) -> Vec<String> {
        let known = |number: Option<String>| number.unwrap_or_else(|| UNKNOWN.to_owned());
        let Supported { users, low, high, binding, .. } = row.supported;
        let has_interval = self.has_intervals || !matches!(row.known, Known::Extrapolated(_));
        // Costs that may as well be nothing have no upper end.
        let end = |users: u64| known((has_interval && users < u64::MAX).then(|| users.to_string()));
        vec![
            row.instance.clone(),
            row.volume.to_string(),
            binding.word().to_owned(),
            row.known.to_string(),
            row.months.to_string(),
            users.to_string(),
            end(low),
            end(high),
            format!("{:.2}", row.price_month_usd),
            known(row.price_user_month_usd().map(|usd| format!("{usd:.5}"))),
            known(row.source_month_usd.map(|usd| format!("{usd:.0}"))),
            known(row.prediction_error.map(|error| format!("{:+.1} % {}", error.ratio * 100.0, error.of.word()))),
        ]
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let law = self.law.as_ref().map(|fit| format!("\nThe Universal Scalability Law:\n{}", text_with_table(fit)));
        format!("{}\n{}{}", self.table().text(), self.listed_notes(), law.unwrap_or_default())
    }

    /// For a document.
    pub fn markdown(&self) -> String {
        let law = self.law.as_ref().map(|fit| format!("\nThe Universal Scalability Law:\n\n{}", markdown(fit)));
        format!("{}\n{}{}", self.table().markdown(), self.listed_notes(), law.unwrap_or_default())
    }

    fn listed_notes(&self) -> String {
        self.notes.iter().map(|note| format!("- {note}\n")).collect()
    }
}

/// A machine, its disk, and what the source thought they cost.
type Pair<'a> = (&'a Instance, Volume, Option<f64>);

fn row(order: &TableOrder<'_>, catalogue: &Catalogue, pair: &Pair<'_>, months: u32) -> Option<Row> {
    let (instance, volume, source_month_usd) = pair;
    let calibrated = order.calibrations.get(&instance.name).zip(order.cost.calibration_per_core);
    let core_ratio = calibrated.map_or(1.0, |(there, here)| there / here);
    let deployment = Deployment { instance, volume, core_ratio };
    let days = f64::from(months) * DAYS_PER_MONTH;
    let predicted = supported(&deployment, days, order.cost, &order.headroom)?;
    let searched =
        order.searches.iter().find(|searched| searched.instance == instance.name && searched.volume == *volume);
    let found = searched.and_then(|searched| confirmed(order, &deployment, searched, &predicted));
    let prediction_error = prediction_error(order, &deployment, days, predicted.binding);
    let ratio = instance.sustained_cores() / order.cost.cores;
    let (supported, known) = found.unwrap_or((predicted, Known::Extrapolated(ratio)));
    Some(Row {
        instance: instance.name.clone(),
        volume: *volume,
        months,
        supported,
        known,
        prediction_error,
        price_month_usd: instance.price_month_usd + volume.price_month_usd(catalogue),
        source_month_usd: *source_month_usd,
    })
}

/// What is not known of the instances.
fn unknown(order: &TableOrder<'_>, pairs: &[Pair<'_>]) -> Vec<String> {
    let such = |is_such: &dyn Fn(&Instance) -> bool| {
        let instances = pairs.iter().map(|(instance, ..)| *instance).filter(|instance| is_such(instance));
        let names: BTreeSet<&str> = instances.map(|instance| instance.name.as_str()).collect();
        (!names.is_empty()).then(|| Vec::from_iter(names).join(", "))
    };
    let is_calibrated = |instance: &Instance| {
        order.cost.calibration_per_core.is_some() && order.calibrations.contains_key(&instance.name)
    };
    let slower = such(&|instance| !is_calibrated(instance)).map(|names| {
        format!("uncalibrated: a core of {names} is taken to be as fast as one of the machine measured on")
    });
    let wider = such(&|instance| instance.ebs_baseline_iops.is_none()).map(|names| {
        format!("how many IOPS reach the volumes of {names} is not in the price list: the volume's own are counted")
    });
    slower.into_iter().chain(wider).collect()
}

fn notes(order: &TableOrder<'_>, pairs: &[Pair<'_>], catalogue: &Catalogue) -> Vec<String> {
    let (cost, headroom) = (order.cost, &order.headroom);
    let mut notes = vec![
        format!(
            "users = min({} × cores × 86400 s / ({} core s × peak {peak}), {} × disk / ({} × days + {}), {} × IOPS × 86400 s / ({} \
             reads and writes × peak {peak}), {} × memory / {}, {} × network × 86400 s / ({} × peak {peak})), all per user-day \
             but memory and what the log has of the disk, which are per user",
            headroom.cpu_ratio,
            rounded(cost.core_s().value),
            headroom.disk_ratio,
            measure(cost.disk_bytes),
            measure(cost.log_bytes),
            headroom.iops_ratio,
            rounded(cost.ios().value),
            headroom.memory_ratio,
            measure(cost.memory_hot_bytes),
            headroom.network_ratio,
            measure(cost.network_bytes),
            peak = hundredths(cost.peak_ratio),
        ),
        format!(
            "a day's costs were measured {} on {}, with {} of its cores for the server",
            times(cost.repeats),
            cost.machine,
            hundredths(cost.cores)
        ),
        "a core is a physical one: two hyperthreads, as most x86 instances sell them, count as one; instances that burst on credits \
         count at their baseline, volumes of gp2 too"
            .to_owned(),
    ];
    notes.extend(unknown(order, pairs));
    for Searched { instance, volume, users, .. } in order.searches {
        notes.push(format!(
            "a search on {instance} with {volume}, with nothing to spare: {:.0} users held each time, {:.0} did not",
            users.low, users.high
        ));
    }
    for Filled { instance, volume, people, days } in order.filled {
        notes.push(format!(
            "a study on {instance} with {volume} filled the disk: it held {days} days of {people} people, and not another"
        ));
    }
    if !order.searches.is_empty() {
        notes.push(
            "measured and emulated rows are what a search found, times the headroom of what gives way first".to_owned(),
        );
    }
    if !order.searches.is_empty() || !order.filled.is_empty() {
        notes.push(
            "prediction_error is how much more than a search, or a study that filled the disk, found the day's costs predict \
             without headroom, and of what"
                .to_owned(),
        );
    }
    if pairs.iter().any(|(.., source)| source.is_some()) {
        notes.push("source_usd_month is what the study that this program was asked for by reckoned for the machine and its disk".to_owned());
    }
    notes.push(format!("prices: {}", origins(pairs, catalogue)));
    notes.push(
        "not in the price: savings plans, data transfer, public IPv4 addresses (3.65 USD a month), snapshots, tax"
            .to_owned(),
    );
    notes
}

/// Each source of the prices once, with its date.
fn origins(pairs: &[Pair<'_>], catalogue: &Catalogue) -> String {
    let instances = pairs.iter().map(|(instance, ..)| (&instance.price_source, &instance.price_date));
    let prices = catalogue.volume_prices();
    let volumes = [&prices.gp2, &prices.gp3, &prices.io1, &prices.io2].map(|price| (&price.source, &price.date));
    let mut origins: Vec<String> = Vec::new();
    for (source, date) in instances.chain(volumes) {
        let origin = format!("{source} ({date})");
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins.join("; ")
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        more => format!("{more} times"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "costs are not negative, and of a byte nobody wants a part")]
fn measure(figure: Figure) -> String {
    bytes(figure.value.round() as u64)
}

fn hundredths(number: f64) -> String {
    ((number * 100.0).round() / 100.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Resource;
    use crate::cost::tests::vector;

    fn table(cost: &CostVector, searches: &[Searched], calibrations: &[(&str, f64)]) -> CapacityTable {
        table_with(cost, (searches, &[]), calibrations)
    }

    fn table_with(
        cost: &CostVector,
        (searches, filled): (&[Searched], &[Filled]),
        calibrations: &[(&str, f64)],
    ) -> CapacityTable {
        let catalogue = Catalogue::built_in();
        let instances = ["m5.large", "t3.medium"].map(|name| catalogue.instance(name).unwrap().clone());
        let order = TableOrder {
            instances: &instances,
            volumes: &["gp2:1".parse().unwrap(), "gp3:100".parse().unwrap()],
            months: &[1, 6],
            cost,
            headroom: Headroom::default(),
            calibrations: &calibrations.iter().map(|(name, units)| ((*name).to_owned(), *units)).collect(),
            searches,
            filled,
        };
        CapacityTable::new(&order, &catalogue).unwrap()
    }

    fn frugal() -> CostVector {
        CostVector { memory_hot_bytes: Figure::exactly(1_000.0), ..vector() }
    }

    fn searched(volume: &str, users: f64) -> Searched {
        let users = Figure { value: users, low: users, high: users * 1.05 };
        Searched { instance: "m5.large".to_owned(), volume: volume.parse().unwrap(), is_emulated: true, users }
    }

    fn cells<'a>(table: &'a CapacityTable, start: &str, months: u32) -> &'a Row {
        let is_wanted = |row: &&Row| format!("{} {}", row.instance, row.volume) == start && row.months == months;
        table.rows.iter().find(is_wanted).unwrap()
    }

    #[test]
    fn the_sources_own_rows_come_first_and_once() {
        let table = table(&vector(), &[], &[]);
        let names: Vec<_> =
            table.rows.iter().map(|row| format!("{} {} {}", row.instance, row.volume, row.months)).collect();
        let all = [
            "m5.large gp2:1 1",
            "m5.large gp2:1 6",
            "m5.xlarge io1:10:500 1",
            "m5.xlarge io1:10:500 6",
            "m5.large gp3:100 1",
            "m5.large gp3:100 6",
            "t3.medium gp2:1 1",
            "t3.medium gp2:1 6",
            "t3.medium gp3:100 1",
            "t3.medium gp3:100 6",
        ];
        assert_eq!(names, all);
        let row = table.table().rows.swap_remove(3);
        // 173.91 dollars for 11,852 users of half a year; the source thought of 180.
        let told = [
            "m5.xlarge",
            "io1:10:500",
            "disk",
            "extrapolated ×2",
            "6",
            "11852",
            "10775",
            "13169",
            "173.91",
            "0.01467",
            "180",
            "–",
        ];
        assert_eq!(row, told);
    }

    #[test]
    fn a_row_is_emulated_only_where_a_search_was_made_and_the_disk_does_not_give_way_before() {
        let table = table(&frugal(), &["gp3:100", "gp2:1", "io1:4:100"].map(|it| searched(it, 80_000.0)), &[]);
        // Half a core second a day on one core: 86,400 users fill it at twice the mean hour.
        assert!(cells(&table, "m5.large io1:4:100", 6).prediction_error.is_some(), "it was searched, if not asked for");
        let row = cells(&table, "m5.large gp3:100", 1);
        assert_eq!((row.known, row.supported.users, row.supported.binding), (Known::Emulated, 48_000, Resource::Cpu));
        assert!((row.prediction_error.unwrap().ratio - 0.08).abs() < 1e-9, "{row:?}");
        // A gigabyte is full with fewer, whatever the search met.
        let row = cells(&table, "m5.large gp2:1", 1);
        assert_eq!((row.known, row.supported.binding), (Known::Extrapolated(1.0), Resource::Disk));
        assert!(row.prediction_error.is_some());
        let told =
            "a search on m5.large with gp3:100, with nothing to spare: 80000 users held each time, 84000 did not";
        assert!(table.notes.iter().any(|note| note == told), "{:?}", table.notes);
        assert_eq!(cells(&table, "t3.medium gp3:100", 1).known, Known::Extrapolated(0.2));
        // Of half a megabyte each there is memory for fewer, which a search of quick lives does not see either.
        let heavy = super::tests::table(&vector(), &[searched("gp3:100", 80_000.0)], &[]);
        let row = cells(&heavy, "m5.large gp3:100", 1);
        assert_eq!((row.known, row.supported.binding), (Known::Extrapolated(1.0), Resource::Memory));
        assert_eq!(row.prediction_error.unwrap().of, Resource::Cpu);
        assert!(table.text().contains("emulated"), "{}", table.text());
    }

    #[test]
    fn a_disk_that_a_study_filled_says_how_far_its_prediction_is_off() {
        let filled =
            Filled { instance: "m5.large".to_owned(), volume: "gp2:1".parse().unwrap(), people: 6_000, days: 28 };
        let search = searched("gp2:1", 80_000.0);
        let table = table_with(&frugal(), (&[search], &[filled]), &[]);
        // 1 GiB / (4,000 B · 28 + 40,000 B) = 7,064, by hand.
        let error = cells(&table, "m5.large gp2:1", 1).prediction_error.unwrap();
        assert_eq!((error.of, (error.ratio * 1e4).round()), (Resource::Disk, 1_773.0));
        assert_eq!(cells(&table, "m5.large gp2:1", 6).prediction_error.unwrap().of, Resource::Cpu, "of another length");
        assert!(cells(&table, "m5.large gp3:100", 1).prediction_error.is_none());
        assert!(table.text().contains("+17.7 % disk"), "{}", table.text());
        let told = "a study on m5.large with gp2:1 filled the disk: it held 28 days of 6000 people, and not another";
        assert!(table.notes.iter().any(|note| note == told), "{:?}", table.notes);
    }

    #[test]
    fn calibrated_cores_count_by_what_they_do() {
        let cost = CostVector { calibration_per_core: Some(100.0), ..frugal() };
        let users = |calibrations: &[(&str, f64)]| {
            cells(&table(&cost, &[], calibrations), "m5.large gp3:100", 1).supported.users
        };
        assert_eq!((users(&[]), users(&[("m5.large", 150.0)])), (51_840, 77_760));
        let uncalibrated = |calibrations: &[(&str, f64)]| {
            table(&cost, &[], calibrations).notes.iter().any(|note| note.starts_with("uncalibrated"))
        };
        assert!(uncalibrated(&[("m5.large", 150.0)]));
        let all = [("m5.large", 150.0), ("m5.xlarge", 150.0), ("t3.medium", 90.0)];
        assert!(!uncalibrated(&all));
        assert!(table(&frugal(), &[], &all).notes.iter().any(|note| note.starts_with("uncalibrated")));
    }

    #[test]
    fn the_formula_the_prices_and_what_they_lack_stand_below() {
        let text = table(&vector(), &[], &[]).markdown();
        for told in [
            "users = min(0.6 × cores × 86400 s / (0.5 core s × peak 2), 0.85 × disk / (4.00 kB × days + 40.0 kB)",
            "measured 3 times on vm (2 cores), with 1 of its cores for the server",
            "(2026-07-20)",
            "(early 2026)",
            "not in the price: savings plans",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }

    #[test]
    fn one_measurement_has_no_interval() {
        let table = table(&CostVector { repeats: 1, ..vector() }, &[], &[]);
        assert_eq!(&table.table().rows[0][5..8], ["5645", "–", "–"].map(str::to_owned));
    }
}
