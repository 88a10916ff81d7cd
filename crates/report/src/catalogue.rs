//! What machines and disks there are, and what they cost: two price lists as values.
//!
//! Prices drift; a list is a fact with a source and a date, so both stand in every row, and it can be replaced.

use std::collections::HashSet;

use csv::{Reader, StringRecord};

use crate::instance::{HOURS_PER_MONTH, Instance, UnknownInstance};
use crate::nearest::nearest;

/// Instances with their prices, and the prices of volumes.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    instances: Vec<Instance>,
    volume_prices: VolumePrices,
}

/// What a month of a volume is made up of.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumePrices {
    /// A GiB.
    pub gp2: Price,
    /// A GiB.
    pub gp3: Price,
    /// One of the IOPS above those that are included.
    pub gp3_iops: Price,
    /// A MiB per second above those that are included.
    pub gp3_throughput: Price,
    /// A GiB.
    pub io1: Price,
    /// One of the IOPS.
    pub io1_iops: Price,
    /// A GiB.
    pub io2: Price,
    /// One of the IOPS, of the first tier.
    pub io2_iops: Price,
}

/// A price with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// By the month.
    pub usd: f64,
    /// When that was the price.
    pub date: String,
    /// Who says so.
    pub source: String,
}

/// What is no price list.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A column is not there.
    #[error("the price list of {list} has no column `{column}`")]
    Column {
        /// Which of the two: `instances` or `volumes`.
        list: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A cell says something else than its column.
    #[error("the price list of {list}, line {line}, column `{column}`: `{value}` is {problem}")]
    Cell {
        /// Which of the two.
        list: &'static str,
        /// Which line, counted from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A row that is needed is not there.
    #[error("the price list of {list} has no row `{name}`")]
    Row {
        /// Which of the two.
        list: &'static str,
        /// The row's name.
        name: &'static str,
    },
    /// It is not even a table.
    #[error("the price list of {list} cannot be read")]
    Csv {
        /// Which of the two.
        list: &'static str,
        /// Why, with the line.
        source: csv::Error,
    },
}

impl Catalogue {
    /// The lists that come with the program: `prices/ec2.csv` and `prices/ebs.csv`, us-east-1, on demand.
    pub fn built_in() -> Self {
        Self::parse(include_str!("../prices/ec2.csv"), include_str!("../prices/ebs.csv"))
            .expect("the lists that come with the program are tested")
    }

    /// Reads two lists with the columns of those that come with the program; others may stand beside them.
    ///
    /// # Errors
    /// When a column or a volume's row is missing, or a cell is not what its column says.
    pub fn parse(instances_csv: &str, volumes_csv: &str) -> Result<Self, CatalogueError> {
        Ok(Self { instances: instances(instances_csv)?, volume_prices: volume_prices(volumes_csv)? })
    }

    /// The same with another list in the place of one of its own: of volumes if it is one of gigabytes, else of instances.
    ///
    /// # Errors
    /// When a column or a volume's row is missing, or a cell is not what its column says.
    pub fn with(self, csv: &str) -> Result<Self, CatalogueError> {
        let is_of_volumes = csv.lines().any(|line| line.split(',').any(|cell| cell == VOLUME_UNIT));
        if is_of_volumes {
            return Ok(Self { volume_prices: volume_prices(csv)?, ..self });
        }
        Ok(Self { instances: instances(csv)?, ..self })
    }

    /// Every instance, in the order of the list.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instance of this name.
    ///
    /// # Errors
    /// When there is none, with the nearest.
    pub fn instance(&self, name: &str) -> Result<&Instance, UnknownInstance> {
        let names = || self.instances.iter().map(|instance| instance.name.as_str());
        self.instances.iter().find(|instance| instance.name == name).ok_or_else(|| UnknownInstance {
            name: name.to_owned(),
            nearest: nearest(name, names()).into_iter().map(str::to_owned).collect(),
        })
    }

    /// What volumes are made up of.
    pub fn volume_prices(&self) -> &VolumePrices {
        &self.volume_prices
    }
}

const INSTANCES: &str = "instances";
const VOLUMES: &str = "volumes";
/// What most volumes are sold by, and no instance is.
const VOLUME_UNIT: &str = "GB-month";

fn instances(text: &str) -> Result<Vec<Instance>, CatalogueError> {
    let mut names = HashSet::new();
    rows(INSTANCES, text, |row| {
        row.expect_text("price_unit", |unit| unit == "hour", "not `hour`")?;
        let instance = Instance {
            name: row.named()?,
            vcpus: row.count("vcpu")?,
            physical_cores: row.count("physical_cores")?,
            memory_bytes: u64::from(row.count("mem_mib")?) << 20,
            cpu_baseline_ratio: row.amount("cpu_baseline_pct_per_vcpu")? / 100.0,
            net_baseline_mbps: row.known("net_baseline_mbps")?,
            ebs_baseline_mbps: row.known("ebs_baseline_mbps")?,
            ebs_baseline_iops: row.known("ebs_baseline_iops")?,
            price_month_usd: row.amount("price_usd")? * HOURS_PER_MONTH,
            price_date: row.text("price_date")?.to_owned(),
            price_source: row.text("price_source")?.to_owned(),
        };
        if names.insert(instance.name.clone()) { Ok(instance) } else { Err(row.refuse("name", "there already")) }
    })
}

fn volume_prices(text: &str) -> Result<VolumePrices, CatalogueError> {
    let rows = rows(VOLUMES, text, |row| {
        let name = row.named()?;
        let unit = match name.as_str() {
            name if name.ends_with("-iops") => "IOPS-month",
            name if name.ends_with("-throughput") => "MiBps-month",
            _ => VOLUME_UNIT,
        };
        row.expect_text("price_unit", |found| found.starts_with(unit), "another unit than that of the row's name")?;
        let price = Price {
            usd: row.amount("price_usd")?,
            date: row.text("price_date")?.to_owned(),
            source: row.text("source")?.to_owned(),
        };
        Ok((name, price))
    })?;
    let price = |name: &'static str| {
        let found = rows.iter().find(|(known, _)| known == name).map(|(_, price)| price.clone());
        found.ok_or(CatalogueError::Row { list: VOLUMES, name })
    };
    Ok(VolumePrices {
        gp2: price("gp2")?,
        gp3: price("gp3")?,
        gp3_iops: price("gp3-iops")?,
        gp3_throughput: price("gp3-throughput")?,
        io1: price("io1")?,
        io1_iops: price("io1-iops")?,
        io2: price("io2")?,
        io2_iops: price("io2-iops")?,
    })
}

/// One row of a list, read by the names of its columns.
struct Row<'a> {
    list: &'static str,
    headings: &'a StringRecord,
    cells: StringRecord,
}

fn rows<T>(
    list: &'static str,
    text: &str,
    mut read: impl FnMut(&Row<'_>) -> Result<T, CatalogueError>,
) -> Result<Vec<T>, CatalogueError> {
    let broken = |source| CatalogueError::Csv { list, source };
    // The reader tells a line that ends in both signs as the one before.
    let text = text.replace("\r\n", "\n");
    let mut reader = Reader::from_reader(text.as_bytes());
    let headings = reader.headers().map_err(broken)?.clone();
    reader.records().map(|cells| read(&Row { list, headings: &headings, cells: cells.map_err(broken)? })).collect()
}

impl Row<'_> {
    fn text(&self, column: &'static str) -> Result<&str, CatalogueError> {
        let at = self.headings.iter().position(|heading| heading == column);
        let cell = at.and_then(|at| self.cells.get(at));
        cell.map(str::trim).ok_or(CatalogueError::Column { list: self.list, column })
    }

    fn named(&self) -> Result<String, CatalogueError> {
        self.expect_text("name", |name| !name.is_empty(), "no name")?;
        Ok(self.text("name")?.to_owned())
    }

    fn expect_text(
        &self,
        column: &'static str,
        is_right: impl Fn(&str) -> bool,
        problem: &'static str,
    ) -> Result<(), CatalogueError> {
        if is_right(self.text(column)?) { Ok(()) } else { Err(self.refuse(column, problem)) }
    }

    fn count(&self, column: &'static str) -> Result<u32, CatalogueError> {
        let count = self.text(column)?.parse().ok().filter(|count| *count > 0);
        count.ok_or_else(|| self.refuse(column, "not a whole number above 0"))
    }

    fn amount(&self, column: &'static str) -> Result<f64, CatalogueError> {
        let amount = self.text(column)?.parse().ok().filter(|amount: &f64| amount.is_finite() && *amount > 0.0);
        amount.ok_or_else(|| self.refuse(column, "not a number above 0"))
    }

    /// A blank cell is unknown, not zero.
    fn known(&self, column: &'static str) -> Result<Option<f64>, CatalogueError> {
        if self.text(column)?.is_empty() { Ok(None) } else { self.amount(column).map(Some) }
    }

    fn refuse(&self, column: &'static str, problem: &'static str) -> CatalogueError {
        let line = self.cells.position().map_or(0, csv::Position::line);
        let value = self.text(column).unwrap_or_default().to_owned();
        CatalogueError::Cell { list: self.list, line, column, value, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Volume;

    const EC2: &str = include_str!("../prices/ec2.csv");
    const EBS: &str = include_str!("../prices/ebs.csv");

    #[test]
    fn a_month_of_machine_and_disk_costs_what_the_list_says() {
        let catalogue = Catalogue::built_in();
        let month = |name: &str, volume: &str| {
            let volume: Volume = volume.parse().unwrap();
            let usd = catalogue.instance(name).unwrap().price_month_usd + volume.price_month_usd(&catalogue);
            format!("{usd:.2}")
        };
        assert_eq!(month("m5.large", "gp2:1"), "70.18");
        assert_eq!(month("m5.xlarge", "io1:10:500"), "173.91");
        assert_eq!(month("m8g.xlarge", "gp3:10"), "131.85");
        assert_eq!(catalogue.instances().len(), 117);
    }

    #[test]
    fn a_hyperthread_is_half_a_core_and_a_burst_is_not_for_ever() {
        let catalogue = Catalogue::built_in();
        let cores = |name: &str| {
            let instance = catalogue.instance(name).unwrap();
            (instance.vcpus, instance.sustained_cores(), instance.is_burstable())
        };
        assert_eq!(cores("m5.xlarge"), (4, 2.0, false));
        assert_eq!(cores("m8g.xlarge"), (4, 4.0, false));
        assert_eq!(cores("t3.medium"), (2, 0.2, true));
        assert_eq!(catalogue.instance("m5.large").unwrap().ebs_baseline_iops, Some(3_600.0));
        assert_eq!(catalogue.instance("m3.large").unwrap().net_baseline_mbps, None);
        assert_eq!(catalogue.instance("m5.large").unwrap().memory_bytes, 8 << 30);
    }

    #[test]
    fn an_unknown_instance_is_refused_with_the_nearest() {
        let error = Catalogue::built_in().instance("m5.lage").unwrap_err();
        assert_eq!(error.nearest.first().map(String::as_str), Some("m5.large"));
        assert!(
            error.to_string().starts_with("there is no instance `m5.lage` in the price list; did you mean `m5.large`")
        );
        let error = Catalogue::built_in().instance("§").unwrap_err();
        assert_eq!(error.to_string(), "there is no instance `§` in the price list");
    }

    #[test]
    fn another_list_takes_the_place_of_the_one_it_is_like() {
        let catalogue =
            Catalogue::built_in().with(&EBS.replacen("gp3,us-east-1,GB-month,0.08", "gp3,here,GB-month,1", 1));
        let catalogue = catalogue.unwrap().with(&EC2.replacen("0.17000", "0.34", 1)).unwrap();
        assert_eq!((catalogue.volume_prices().gp3.usd, catalogue.volume_prices().gp2.usd), (1.0, 0.1));
        assert_eq!(catalogue.instance("c5.xlarge").unwrap().price_month_usd, 0.34 * HOURS_PER_MONTH);
        let error = Catalogue::built_in().with(&EBS.replacen("gp2,", "gp9,", 1)).unwrap_err();
        assert_eq!(error.to_string(), "the price list of volumes has no row `gp2`");
    }

    #[test]
    fn a_wrong_list_is_refused_with_line_and_column() {
        let refused = |instances: &str, volumes: &str, why: &str| {
            let error = Catalogue::parse(instances, volumes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        let place = "the price list of instances, line 2, column `physical_cores`: `one` is not a whole number above 0";
        refused(&EC2.replacen(",2,2,1,4096", ",2,2,one,4096", 1), EBS, place);
        refused(&EC2.replacen("0.17000", "-1", 1), EBS, "line 3, column `price_usd`: `-1` is not a number above 0");
        refused(&EC2.replacen("0.17000", "-1", 1).replace('\n', "\r\n"), EBS, "line 3, column `price_usd`");
        refused(&EC2.replacen(",hour,", ",month,", 1), EBS, "column `price_unit`: `month` is not `hour`");
        refused(&EC2.replacen("c5.xlarge", "c5.large", 1), EBS, "line 3, column `name`: `c5.large` is there already");
        refused(&EC2.replacen("mem_mib", "memory", 1), EBS, "of instances has no column `mem_mib`");
        refused(EC2, &EBS.replacen("gp3-iops", "gp3-io", 1), "of volumes, line 4, column `price_unit`");
        refused(EC2, &EBS.replacen("io1-iops", "io3-iops", 1), "of volumes has no row `io1-iops`");
        refused(&EC2.replacen(",hour,", ",hour,,", 1), EBS, "of instances cannot be read");
    }
}
