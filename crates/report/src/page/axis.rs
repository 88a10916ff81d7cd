//! One direction of a chart: where values lie on it, and which of them are named.

use crate::summary::{bytes, three_digits};

/// What an axis counts; it decides how values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Events each second.
    PerS,
    /// Milliseconds.
    Ms,
    /// Bytes.
    Bytes,
    /// Processors that were busy.
    Cores,
    /// Shares, as percent.
    Percent,
    /// A share of all requests, such as 99 %.
    Quantile,
    /// Seconds since the start of the run.
    Time,
    /// Things.
    Count,
}

impl Unit {
    /// A value as it stands in a table.
    pub(crate) fn cell(self, value: f64) -> String {
        match self {
            Self::PerS | Self::Count => digits(value),
            Self::Ms => three_digits(value),
            // A size is never negative and no float of one is beyond what is counted.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes fit")]
            Self::Bytes => bytes(value.max(0.0).round() as u64),
            Self::Cores => format!("{value:.2}"),
            Self::Percent => format!("{:.1}", value * 100.0),
            Self::Quantile => quantile(value),
            Self::Time => clock(value),
        }
    }

    /// What stands behind a value.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PerS => "per s",
            Self::Ms => "ms",
            Self::Cores => "cores",
            Self::Percent => "%",
            Self::Bytes | Self::Quantile | Self::Time | Self::Count => "",
        }
    }

    fn tick(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{} %", digits(value * 100.0)),
            Self::Ms if value >= 1000.0 => format!("{} s", digits(value / 1000.0)),
            Self::Ms => format!("{} ms", digits(value)),
            Self::PerS | Self::Count if value >= 1e6 => format!("{} M", digits(value / 1e6)),
            Self::Cores => digits(value),
            Self::Bytes => {
                let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
                let unit = units.into_iter().find(|(size, _)| value >= *size);
                unit.map_or_else(|| digits(value), |(size, name)| format!("{} {name}", digits(value / size)))
            }
            _ => self.cell(value),
        }
    }
}

/// A number with no more digits than it needs.
fn digits(value: f64) -> String {
    match value {
        v if v.abs() >= 100.0 || (v - v.round()).abs() < 1e-9 => format!("{v:.0}"),
        v if v.abs() >= 10.0 => format!("{v:.1}"),
        v if v.abs() >= 0.1 => format!("{v:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        v => format!("{v:.4}").trim_end_matches('0').to_owned(),
    }
}

/// The share that lies below, from how many requests there are for one beyond: 100 is 99 %.
fn quantile(one_in: f64) -> String {
    let beyond = 100.0 / one_in;
    match one_in {
        n if n < 1.5 => "0 %".to_owned(),
        n if n <= 100.0 => format!("{} %", digits((100.0 - beyond) * 10.0 / 10.0)),
        n => format!(
            "{:.*} %",
            if n < 3_000.0 {
                1
            } else if n < 30_000.0 {
                2
            } else {
                3
            },
            100.0 - beyond
        ),
    }
}

/// Seconds as people say them.
pub(crate) fn clock(seconds: f64) -> String {
    let s = seconds.round();
    match s {
        s if (seconds - s).abs() > 0.01 && seconds < 120.0 => format!("{seconds:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0}:{:02.0} min", (s / 60.0).floor(), s % 60.0),
        s => format!("{:.0}:{:02.0} h", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// A direction.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    from: f64,
    to: f64,
    is_logarithmic: bool,
    /// What it counts.
    pub(crate) unit: Unit,
    /// Values that are named.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// More names than these stand in each other's way.
const TICKS_MAX: f64 = 5.0;
/// Steps between named seconds.
const TIME_STEPS_S: [f64; 19] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0,
    43_200.0, 86_400.0, 172_800.0,
];

impl Axis {
    /// From 0 to at least `highest`.
    pub(crate) fn linear(highest: f64, unit: Unit) -> Self {
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let magnitude = 10_f64.powf((highest / TICKS_MAX).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * magnitude).into_iter().find(|step| highest / step <= TICKS_MAX);
        let step = step.unwrap_or(10.0 * magnitude);
        let count = (highest / step - 1e-9).ceil();
        Self::stepped(count * step, step, unit)
    }

    /// The seconds of a run.
    pub(crate) fn time(length_s: f64) -> Self {
        let length_s = length_s.max(1.0);
        let step = TIME_STEPS_S.into_iter().find(|step| length_s / step <= TICKS_MAX + 1.0);
        Self::stepped(length_s, step.unwrap_or(length_s / TICKS_MAX), Unit::Time)
    }

    fn stepped(to: f64, step: f64, unit: Unit) -> Self {
        let mut axis = Self { from: 0.0, to, is_logarithmic: false, unit, ticks: Vec::new() };
        let mut number = 0_u32;
        while f64::from(number) * step <= to * (1.0 + 1e-9) {
            let at = f64::from(number) * step;
            axis.ticks.push((at, if unit == Unit::Time { ordinal(at, step) } else { unit.tick(at) }));
            number += 1;
        }
        axis
    }

    /// From below `lowest` to above `highest`; equal ratios are equally long.
    pub(crate) fn logarithmic(lowest: f64, highest: f64, unit: Unit) -> Self {
        let lowest = if lowest > 0.0 { lowest } else { 1e-3 };
        let highest = highest.max(lowest);
        let (first, last) = ((lowest.log10() + 1e-6).floor(), (highest.log10() - 1e-6).ceil());
        let decades = (last - first).max(1.0);
        let between: &[f64] = if decades <= 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let mut axis = Self {
            from: 10_f64.powf(first),
            to: 10_f64.powf(first + decades),
            is_logarithmic: true,
            unit,
            ticks: Vec::new(),
        };
        let mut decade = first;
        while decade <= first + decades + 0.5 {
            let values = between.iter().map(|n| n * 10_f64.powf(decade)).filter(|at| *at <= axis.to * 1.000_001);
            axis.ticks.extend(values.map(|at| (at, unit.tick(at))));
            decade += 1.0;
        }
        axis
    }

    /// The same, ending at `to`.
    pub(crate) fn until(mut self, to: f64) -> Self {
        self.ticks.retain(|(at, _)| *at <= to * 1.000_001);
        Self { to, ..self }
    }

    /// Where a value is, as a share of the way; what is outside is at an end.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let place = |value: f64| if self.is_logarithmic { value.max(self.from).ln() } else { value };
        ((place(value) - place(self.from)) / (place(self.to) - place(self.from))).clamp(0.0, 1.0)
    }
}

fn ordinal(at_s: f64, step_s: f64) -> String {
    match step_s {
        step if step < 60.0 => format!("{at_s:.0} s"),
        step if step < 3600.0 => format!("{:.0} min", at_s / 60.0),
        _ => format!("{:.0} h", at_s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn axes_name_round_values() {
        assert_eq!(ticks(&Axis::linear(280.0, Unit::PerS)), ["0", "100", "200", "300"]);
        assert_eq!(ticks(&Axis::linear(0.0, Unit::Count)), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(ticks(&Axis::linear(4.5e6, Unit::Count)), ["0", "1 M", "2 M", "3 M", "4 M", "5 M"]);
        assert_eq!(ticks(&Axis::time(25.0)), ["0 s", "5 s", "10 s", "15 s", "20 s", "25 s"]);
        assert_eq!(ticks(&Axis::time(86_400.0)), ["0 h", "6 h", "12 h", "18 h", "24 h"]);
        assert_eq!(
            ticks(&Axis::logarithmic(0.4, 4100.0, Unit::Ms)),
            ["0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s"]
        );
        assert_eq!(ticks(&Axis::logarithmic(2.0, 9.0, Unit::Ms)), ["1 ms", "2 ms", "5 ms", "10 ms"]);
        assert_eq!(ticks(&Axis::logarithmic(1.0, 1000.0, Unit::Quantile)), ["0 %", "90 %", "99 %", "99.9 %"]);
    }

    #[test]
    fn values_lie_where_the_axis_puts_them() {
        let axis = Axis::logarithmic(1.0, 1000.0, Unit::Ms);
        assert!((axis.share(10.0) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((axis.share(0.0), axis.share(1e9)), (0.0, 1.0));
        assert_eq!(Axis::linear(10.0, Unit::PerS).share(5.0), 0.5);
    }
}
