//! Physics of getting along a way: from rest to rest, with acceleration, braking, bends and waits.

use crate::plane::Point;
use crate::track::{Cover, Piece};
use crate::truth::{LocaleIndex, Micros, Mode, SECOND_US};

/// A straight stretch of a way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reach {
    /// Where it ends.
    pub(crate) to: Point,
    /// No faster than this.
    pub(crate) speed_m_s: f64,
    /// What is above.
    pub(crate) cover: Cover,
}

/// How hard a vehicle pulls and brakes, in m/s².
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grip {
    /// Pulling.
    pub(crate) pull_m_s2: f64,
    /// Braking.
    pub(crate) brake_m_s2: f64,
}

/// A movement under way: pieces are added at its end.
#[derive(Debug)]
pub(crate) struct Mover {
    /// What was moved so far.
    pub(crate) pieces: Vec<Piece>,
    /// Where it is.
    pub(crate) at: Point,
    /// How.
    pub(crate) mode: Mode,
    /// In which locale.
    pub(crate) locale: LocaleIndex,
    /// When it began.
    start_us: Micros,
    /// Since then, in seconds.
    elapsed_s: f64,
    /// Speeds at the ends of the reaches of a run: kept for its memory.
    speeds: Vec<f64>,
}

/// Room for the pieces of a usual trip.
const PIECES: usize = 256;
/// Shorter pieces are left out.
const PIECE_MIN_M: f64 = 0.01;

impl Mover {
    /// At rest at `at`.
    pub(crate) fn new(start_us: Micros, at: Point, locale: LocaleIndex) -> Self {
        Self {
            pieces: Vec::with_capacity(PIECES),
            at,
            mode: Mode::Walk,
            locale,
            start_us,
            elapsed_s: 0.0,
            speeds: Vec::new(),
        }
    }

    /// What time it is.
    pub(crate) fn now_us(&self) -> Micros {
        #[expect(clippy::cast_possible_truncation, reason = "a trip is shorter than a week")]
        let elapsed_us = (self.elapsed_s * SECOND_US as f64 + 0.5) as Micros;
        self.start_us + elapsed_us
    }

    /// Stands still.
    pub(crate) fn wait(&mut self, seconds: f64, cover: Cover) {
        self.piece(self.at, seconds, (0.0, 0.0), cover);
    }

    /// Goes straight to `to` at a constant speed, as people do on foot.
    pub(crate) fn stroll(&mut self, to: Point, speed_m_s: f64, cover: Cover) {
        let length_m = self.at.distance_m(to);
        if length_m > PIECE_MIN_M {
            self.piece(to, length_m / speed_m_s, (speed_m_s, speed_m_s), cover);
        }
    }

    /// Goes along `reaches` from rest to rest.
    pub(crate) fn run(&mut self, reaches: &[Reach], grip: Grip) {
        let mut speeds = std::mem::take(&mut self.speeds);
        limit_speeds(self.at, reaches, grip, &mut speeds);
        let mut from_m_s = 0.0;
        for (reach, &to_m_s) in reaches.iter().zip(&speeds) {
            self.reach(*reach, (from_m_s, to_m_s), grip);
            from_m_s = to_m_s;
        }
        self.speeds = speeds;
    }

    /// Pulls to the highest speed that the reach allows, holds it, and brakes to the speed at its end.
    fn reach(&mut self, reach: Reach, (from_m_s, to_m_s): (f64, f64), grip: Grip) {
        let from = self.at;
        let length_m = from.distance_m(reach.to);
        if length_m <= PIECE_MIN_M {
            return;
        }
        let Grip { pull_m_s2: pull, brake_m_s2: brake } = grip;
        let reachable =
            (2.0 * pull * brake * length_m + brake * from_m_s.powi(2) + pull * to_m_s.powi(2)) / (pull + brake);
        let top_m_s = reach.speed_m_s.min(reachable.sqrt()).max(from_m_s).max(to_m_s);
        let pulling_m = (top_m_s.powi(2) - from_m_s.powi(2)) / (2.0 * pull);
        let braking_m = (top_m_s.powi(2) - to_m_s.powi(2)) / (2.0 * brake);
        let holding_m = length_m - pulling_m - braking_m;
        let share = |metres: f64| from.towards(reach.to, (metres / length_m).min(1.0));
        if pulling_m > PIECE_MIN_M {
            self.piece(share(pulling_m), (top_m_s - from_m_s) / pull, (from_m_s, top_m_s), reach.cover);
        }
        if holding_m > PIECE_MIN_M {
            self.piece(share(pulling_m + holding_m), holding_m / top_m_s, (top_m_s, top_m_s), reach.cover);
        }
        if braking_m > PIECE_MIN_M {
            self.piece(reach.to, (top_m_s - to_m_s) / brake, (top_m_s, to_m_s), reach.cover);
        }
    }

    fn piece(&mut self, to: Point, seconds: f64, (from_speed_m_s, to_speed_m_s): (f64, f64), cover: Cover) {
        let start_us = self.now_us();
        self.elapsed_s += seconds;
        let end_us = self.now_us();
        if end_us > start_us {
            let (from, mode, locale) = (self.at, self.mode, self.locale);
            self.pieces.push(Piece { start_us, end_us, from, to, from_speed_m_s, to_speed_m_s, mode, cover, locale });
        }
        self.at = to;
    }
}

/// The speeds at the ends of the reaches of a run that starts at rest at `from`, the last of them 0.
fn limit_speeds(from: Point, reaches: &[Reach], grip: Grip, speeds: &mut Vec<f64>) {
    speeds.clear();
    let (mut at, mut entry_m_s) = (from, 0.0_f64);
    for (i, reach) in reaches.iter().enumerate() {
        let reachable = (entry_m_s.powi(2) + 2.0 * grip.pull_m_s2 * at.distance_m(reach.to)).sqrt();
        let next = reaches.get(i + 1);
        let allowed = next.map_or(0.0, |next| reach.speed_m_s.min(next.speed_m_s).min(bend_m_s(at, reach.to, next.to)));
        entry_m_s = reachable.min(allowed);
        speeds.push(entry_m_s);
        at = reach.to;
    }
    let mut exit_m_s = 0.0_f64;
    for (i, reach) in reaches.iter().enumerate().rev() {
        let start = i.checked_sub(1).and_then(|before| reaches.get(before)).map_or(from, |before| before.to);
        if let Some(speed) = speeds.get_mut(i) {
            *speed = speed.min(exit_m_s);
            exit_m_s = (speed.powi(2) + 2.0 * grip.brake_m_s2 * start.distance_m(reach.to)).sqrt();
        }
    }
}

/// How fast a bend from `a` over `b` to `c` can be taken: straight on as one likes, round a corner at 5 m/s. A choice.
fn bend_m_s(a: Point, b: Point, c: Point) -> f64 {
    const CORNER_M_S: f64 = 5.0;
    let (in_x, in_y, out_x, out_y) = (b.x_m - a.x_m, b.y_m - a.y_m, c.x_m - b.x_m, c.y_m - b.y_m);
    let lengths = ((in_x * in_x + in_y * in_y) * (out_x * out_x + out_y * out_y)).sqrt();
    if lengths <= 0.0 {
        return f64::INFINITY;
    }
    let cosine = (in_x * out_x + in_y * out_y) / lengths;
    // From no limit at 25 degrees (0.9) to a corner at 60 (0.5).
    if cosine > 0.9 { f64::INFINITY } else { CORNER_M_S + (cosine - 0.5).max(0.0) * 50.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAR: Grip = Grip { pull_m_s2: 1.5, brake_m_s2: 2.0 };

    fn reach(x_m: f64, y_m: f64, speed_m_s: f64) -> Reach {
        Reach { to: Point::new(x_m, y_m), speed_m_s, cover: Cover::Open }
    }

    /// Runs along `reaches` and checks that physics holds; gives the mover.
    fn check(reaches: &[Reach]) -> Mover {
        let mut mover = Mover::new(0, Point::default(), 0);
        mover.mode = Mode::Car;
        mover.run(reaches, CAR);
        let length_m: f64 = mover.pieces.iter().map(Piece::length_m).sum();
        let [starts, ends] = [Point::default()]
            .into_iter()
            .chain(reaches.iter().map(|reach| reach.to))
            .collect::<Vec<_>>()
            .windows(2)
            .fold([0.0, 0.0], |[sum, _], pair| [sum + pair[0].distance_m(pair[1]), 0.0]);
        assert!((length_m - starts - ends).abs() < 0.1, "{length_m}");
        for piece in &mover.pieces {
            let seconds = (piece.end_us - piece.start_us) as f64 / 1e6;
            let mean_m_s = (piece.from_speed_m_s + piece.to_speed_m_s) / 2.0;
            assert!((mean_m_s * seconds - piece.length_m()).abs() < 0.02, "{piece:?}");
            let gain_m_s2 = (piece.to_speed_m_s - piece.from_speed_m_s) / seconds;
            assert!((-2.001..=1.501).contains(&gain_m_s2), "{gain_m_s2} m/s²");
        }
        for pair in mover.pieces.windows(2) {
            assert_eq!((pair[0].end_us, pair[0].to), (pair[1].start_us, pair[1].from));
            assert!((pair[0].to_speed_m_s - pair[1].from_speed_m_s).abs() < 1e-6);
        }
        assert_eq!((mover.pieces[0].from_speed_m_s, mover.pieces.last().unwrap().to_speed_m_s), (0.0, 0.0));
        mover
    }

    #[test]
    fn a_car_pulls_holds_brakes_and_turns_slowly() {
        let straight = check(&[reach(1_000.0, 0.0, 15.0)]);
        // 10 s to 15 m/s (75 m), 7.5 s to brake (56.25 m), the rest at 15 m/s.
        let seconds = 10.0 + 7.5 + (1_000.0 - 75.0 - 56.25) / 15.0;
        assert!((straight.now_us() as f64 / 1e6 - seconds).abs() < 0.01, "{}", straight.now_us());
        let corner = check(&[reach(500.0, 0.0, 15.0), reach(500.0, 500.0, 15.0)]);
        let turning = corner.pieces.iter().find(|piece| piece.to == Point::new(500.0, 0.0)).unwrap();
        assert!((turning.to_speed_m_s - 5.0).abs() < 1e-9);
        let slower = check(&[reach(300.0, 0.0, 20.0), reach(600.0, 0.0, 5.0), reach(605.0, 0.0, 30.0)]);
        assert!(slower.pieces.iter().all(|piece| piece.from_speed_m_s <= 20.0));
        check(&[reach(3.0, 0.0, 30.0)]);
    }
}
