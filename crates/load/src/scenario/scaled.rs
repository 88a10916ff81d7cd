//! The same scenario at another rate, or with more phones: what a search for capacity tries.

use std::num::NonZeroU32;
use std::time::Duration;

use rushhour_synth::parameters::Share;

use crate::arrivals::{Arrivals, Rate, Shape};
use crate::document::DocumentError;
use crate::scenario::{Scenario, Seconds};

impl Scenario {
    /// How much it offers: requests per second of all operations, or as many phones as live at the speed of life.
    ///
    /// # Errors
    /// When it offers no constant rate.
    pub fn offered(&self) -> Result<f64, DocumentError> {
        if self.live().is_some() {
            return Ok(self.phones());
        }
        let rates: Option<Vec<f64>> = self.arrivals.values().map(steady).collect();
        let rate: f64 = rates.unwrap_or_default().iter().sum();
        match rate > 0.0 {
            true => Ok(rate),
            false => Err(DocumentError::new(
                "a search for capacity needs constant rates (`rate_per_s`) or people who live (`population.live`)",
            )),
        }
    }

    /// Ten phones at sixty times the speed of life send what six hundred do: as often, and as much.
    fn phones(&self) -> f64 {
        let speed = self.live().map_or(1.0, |live| live.speed.as_f64());
        f64::from(self.users().get()) * speed
    }

    /// The same, offering so much, measured for so long; with phones, who keep their speed, for as long as before.
    ///
    /// # Errors
    /// When it offers no constant rate, or a rate is out of range.
    pub fn offering(&self, offered: f64, measured: Duration) -> Result<Self, DocumentError> {
        let factor = offered / self.offered()?;
        let mut scenario = self.clone();
        if self.live().is_some() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
            let people = (f64::from(self.users().get()) * factor).round() as u32;
            let people = NonZeroU32::new(people).ok_or_else(|| {
                DocumentError::new(&format!(
                    "{offered} phones at the speed of life are less than one who lives as quickly here"
                ))
            })?;
            scenario.population.iter_mut().for_each(|population| population.people = people);
            return Ok(scenario);
        }
        for arrivals in scenario.arrivals.values_mut() {
            if let Shape::Steady(rate) = &mut arrivals.shape {
                *rate = Rate::try_from(rate.per_s() * factor).map_err(|error| DocumentError::new(&error))?;
            }
        }
        scenario.phases.measure_s = Seconds::of(measured.as_secs_f64());
        Ok(scenario)
    }

    /// The same without anybody who opens the diary.
    pub fn unasked(mut self) -> Self {
        let lives = self.population.iter_mut().filter_map(|population| population.live.as_mut());
        lives.for_each(|live| live.diaries_share = Share::try_from(0.0).expect("a valid constant"));
        self
    }
}

fn steady(arrivals: &Arrivals) -> Option<f64> {
    match &arrivals.shape {
        Shape::Steady(rate) => Some(rate.per_s()),
        Shape::Stages(_) | Shape::Replay(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_keeps_its_share() {
        let scenario = Scenario::parse("[arrivals]\nget = { rate_per_s = 30 }\nput = { rate_per_s = 10 }").unwrap();
        assert_eq!(scenario.offered().unwrap(), 40.0);
        let more = scenario.offering(100.0, Duration::from_secs(60)).unwrap();
        assert_eq!(more.arrivals.values().filter_map(steady).collect::<Vec<_>>(), [75.0, 25.0]);
        assert_eq!(more.phases.measure_s.as_f64(), 60.0);
        let waves = "[arrivals]\nput = { stages = [{ for_s = 10, from_per_s = 0, to_per_s = 5 }] }";
        let error = Scenario::parse(waves).unwrap().offered().unwrap_err().to_string();
        assert!(error.contains("needs constant rates"), "{error}");
    }

    #[test]
    fn phones_count_as_many_as_would_send_the_same_in_life() {
        let text = "[population]\npeople = 100\ndays = 1\nlive = { speed = 60 }\n[phases]\nmeasure_s = 1440";
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!(scenario.offered().unwrap(), 6_000.0);
        let more = scenario.offering(9_000.0, Duration::from_secs(10)).unwrap();
        assert_eq!((more.users().get(), more.phases.measure_s.as_f64()), (150, 1440.0));
        let error = scenario.offering(20.0, Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("20 phones at the speed of life are less than one"), "{error}");
    }
}
