//! A rate that changes, as a function that can be inverted: which moment has seen how many requests.
//!
//! Requests are placed where the integral of the rate reaches whole numbers (evenly spaced) or the sums of exponential
//! draws (a Poisson process whose rate changes: the time-rescaling theorem). Both need the inverse of the integral, which
//! is exact for constants and ramps and found by Newton's method for waves.

use std::f64::consts::TAU;

/// How often Newton's method may try; it doubles its digits each time, and bisection catches it where it would leave.
const TRIES_MAX: u32 = 64;
/// A hundredth of a nanosecond: finer than any intended time is kept.
const CLOSE_S: f64 = 1e-11;

/// The course of a rate over one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Course {
    /// From one rate to another, evenly; the same one twice is a constant.
    Linear {
        /// At its start, per second.
        from: f64,
        /// At its end.
        to: f64,
    },
    /// Up and down like the sun: `mean + swing × cos(2π (t − peak) / period)`, t from the start of the stretch.
    Wave {
        /// The rate in the middle.
        mean: f64,
        /// How far it goes up and down, at most as far as the mean.
        swing: f64,
        /// When it is highest.
        peak_s: f64,
        /// From one peak to the next.
        period_s: f64,
    },
}

impl Course {
    fn rate(self, t: f64, length_s: f64) -> f64 {
        match self {
            Self::Linear { from, to } => from + (to - from) * t / length_s,
            Self::Wave { mean, swing, peak_s, period_s } => mean + swing * (TAU * (t - peak_s) / period_s).cos(),
        }
    }

    /// The integral of the rate from the start of the stretch.
    fn count(self, t: f64, length_s: f64) -> f64 {
        match self {
            Self::Linear { from, to } => t * (from + (to - from) * t / length_s / 2.0),
            Self::Wave { mean, swing, peak_s, period_s } => {
                let sine = |t: f64| (TAU * (t - peak_s) / period_s).sin();
                mean * t + swing * period_s / TAU * (sine(t) - sine(0.0))
            }
        }
    }

    /// When the integral reaches `count`, which it does within the stretch.
    fn inverse(self, count: f64, length_s: f64) -> f64 {
        match self {
            Self::Linear { from, to } => {
                let slope = (to - from) / length_s;
                // The form of the quadratic formula that does not cancel, also for a slope of zero.
                let root = (from * from + 2.0 * slope * count).max(0.0).sqrt();
                if from + root > 0.0 { 2.0 * count / (from + root) } else { 0.0 }
            }
            Self::Wave { .. } => self.search(count, length_s),
        }
    }

    fn search(self, count: f64, length_s: f64) -> f64 {
        let (mut low, mut high) = (0.0, length_s);
        let mut t = length_s * count / self.count(length_s, length_s);
        for _ in 0..TRIES_MAX {
            let over = self.count(t, length_s) - count;
            if over > 0.0 {
                high = t
            } else {
                low = t
            }
            let newton = t - over / self.rate(t, length_s);
            let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
            let step = (next - t).abs();
            t = next;
            if step < CLOSE_S {
                break;
            }
        }
        t
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    start_s: f64,
    length_s: f64,
    course: Course,
    /// What the integral is at its start.
    before: f64,
}

/// A rate over time: stretches one after another, and the last one's final rate for ever after.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Intensity {
    pieces: Vec<Piece>,
    last_rate: f64,
}

impl Intensity {
    /// Stretches with their lengths in seconds, all above zero.
    pub(crate) fn new(stretches: impl IntoIterator<Item = (f64, Course)>) -> Self {
        let (mut start_s, mut before, mut last_rate) = (0.0, 0.0, 0.0);
        let mut pieces = Vec::new();
        for (length_s, course) in stretches {
            pieces.push(Piece { start_s, length_s, course, before });
            start_s += length_s;
            before += course.count(length_s, length_s);
            last_rate = course.rate(length_s, length_s);
        }
        pieces.push(Piece {
            start_s,
            length_s: f64::INFINITY,
            course: Course::Linear { from: last_rate, to: last_rate },
            before,
        });
        Self { pieces, last_rate }
    }

    /// The highest rate there is before `end_s`, looked at in steps of a hundredth of each stretch.
    pub(crate) fn peak(&self, end_s: f64) -> f64 {
        const STEPS: u32 = 100;
        let within = self.pieces.iter().filter(|piece| piece.start_s < end_s && piece.length_s.is_finite());
        let rates = within.flat_map(|piece| {
            (0..=STEPS)
                .map(|step| piece.length_s * f64::from(step) / f64::from(STEPS))
                .map(|t| piece.course.rate(t, piece.length_s))
        });
        rates.fold(self.last_rate, f64::max)
    }

    /// How many arrivals there are before `t_s`, on average.
    pub(crate) fn count(&self, t_s: f64) -> f64 {
        let piece = self.pieces.iter().rev().find(|piece| t_s >= piece.start_s);
        piece.map_or(0.0, |piece| {
            let within = t_s - piece.start_s;
            let in_piece = if piece.length_s.is_finite() {
                piece.course.count(within, piece.length_s)
            } else {
                self.last_rate * within
            };
            piece.before + in_piece
        })
    }

    /// Walks through the times at which the integral reaches one count after another.
    pub(crate) fn walk(self) -> Walk {
        Walk { pieces: self.pieces, last_rate: self.last_rate, at: 0 }
    }
}

/// Finds the times of rising counts.
#[derive(Debug)]
pub(crate) struct Walk {
    pieces: Vec<Piece>,
    last_rate: f64,
    at: usize,
}

impl Walk {
    /// When the integral reaches `count`, in seconds; `None` if it never does. Counts must not fall from call to call.
    pub(crate) fn time_s(&mut self, count: f64) -> Option<f64> {
        while self.pieces.get(self.at + 1).is_some_and(|next| count >= next.before) {
            self.at += 1;
        }
        let piece = self.pieces.get(self.at).expect("the last piece is never passed");
        let within = count - piece.before;
        if piece.length_s.is_finite() {
            return Some(piece.start_s + piece.course.inverse(within, piece.length_s).min(piece.length_s));
        }
        (self.last_rate > 0.0).then(|| piece.start_s + within / self.last_rate)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn course() -> impl Strategy<Value = Course> {
        let linear = (0.0..1e4_f64, 0.0..1e4_f64).prop_map(|(from, to)| Course::Linear { from, to });
        let wave = (0.1..1e4_f64, 0.0..1.0_f64, 0.0..500.0_f64, 1.0..500.0_f64)
            .prop_map(|(mean, share, peak_s, period_s)| Course::Wave { mean, swing: mean * share, peak_s, period_s });
        prop_oneof![linear, wave]
    }

    proptest! {
        #[test]
        fn the_walk_inverts_the_integral(
            stretches in proptest::collection::vec((0.1..1e3_f64, course()), 1..6),
            counts in proptest::collection::vec(0.0..1e6_f64, 1..40),
        ) {
            let intensity = Intensity::new(stretches);
            let mut counts = counts;
            counts.sort_by(f64::total_cmp);
            let mut walk = intensity.clone().walk();
            let mut last = 0.0;
            for count in counts {
                let Some(t) = walk.time_s(count) else { break };
                prop_assert!(t >= last);
                last = t;
                let found = intensity.count(t);
                // Where the rate is next to nothing a moment more or less changes no count.
                prop_assert!((found - count).abs() <= 1e-6 * (1.0 + count), "{found} for {count}");
            }
        }
    }

    #[test]
    fn after_a_rate_of_zero_nothing_comes_and_before_it_nothing_is_lost() {
        let constant = |rate| Course::Linear { from: rate, to: rate };
        let pause =
            Intensity::new([(10.0, constant(1.0)), (10.0, constant(0.0)), (10.0, constant(1.0)), (1.0, constant(0.0))]);
        let mut walk = pause.walk();
        let times: Vec<_> = (0..20).map_while(|n| walk.time_s(f64::from(n) + 0.5)).collect();
        assert_eq!(times.len(), 20);
        assert!((times[9] - 9.5).abs() < 1e-9 && (times[10] - 20.5).abs() < 1e-9, "{times:?}");
        assert_eq!(walk.time_s(20.5), None);
    }

    #[test]
    fn the_peak_of_a_ramp_and_a_wave_is_found() {
        let ramp = Intensity::new([
            (10.0, Course::Linear { from: 1.0, to: 50.0 }),
            (1.0, Course::Linear { from: 2.0, to: 2.0 }),
        ]);
        assert_eq!(ramp.peak(100.0), 50.0);
        let wave = Course::Wave { mean: 10.0, swing: 5.0, peak_s: 25.0, period_s: 100.0 };
        assert!((Intensity::new([(100.0, wave)]).peak(100.0) - 15.0).abs() < 1e-9);
    }
}
