//! Points in order, and how fast they move.

use crate::position::Position;

/// Anything with a time and a place.
pub(crate) trait Timed {
    fn ts(&self) -> f64;
    fn at(&self) -> Position;
}

impl Timed for crate::observations::Fix {
    fn ts(&self) -> f64 {
        self.ts
    }

    fn at(&self) -> Position {
        self.at
    }
}

/// Metres from each point's predecessor; 0 for the first.
pub(crate) fn distances_m<T: Timed>(points: &[T]) -> Vec<f64> {
    steps(points, |one, next| one.at().distance_m(next.at()))
}

/// Metres per second from each point's predecessor; 0 for the first, and for two points at one time.
pub(crate) fn speeds_m_per_s<T: Timed>(points: &[T]) -> Vec<f64> {
    steps(points, speed_m_per_s)
}

/// The same, where the [`distances_m`] are known.
pub(crate) fn speeds_over<T: Timed>(points: &[T], distances_m: &[f64]) -> Vec<f64> {
    let seconds = steps(points, |one, next| next.ts() - one.ts());
    let speed = |(metres, seconds): (&f64, f64)| if seconds == 0.0 { 0.0 } else { metres / seconds };
    distances_m.iter().zip(seconds).map(speed).collect()
}

/// Metres per second from one point to the next; 0 for two points at one time.
pub(crate) fn speed_m_per_s<T: Timed>(one: &T, next: &T) -> f64 {
    let seconds = next.ts() - one.ts();
    if seconds == 0.0 { 0.0 } else { one.at().distance_m(next.at()) / seconds }
}

fn steps<T>(points: &[T], step: impl Fn(&T, &T) -> f64) -> Vec<f64> {
    let first = points.first().map(|_| 0.0);
    first.into_iter().chain(points.iter().zip(points.iter().skip(1)).map(|(one, next)| step(one, next))).collect()
}
