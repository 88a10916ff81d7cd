//! How a place is left: what a day needs to know of the one after it.

use rushhour_model::extended_json::ObjectId;
use rushhour_model::stored::observe::INPUT_KEYS;
use serde::{Deserialize, Serialize};

use crate::chapter::{Chapter, Opening};
use crate::input::Input;
use crate::leg::{Cleaned, Leg};
use crate::moment::{Moment, Spot, Zone};
use crate::outline::packed::{Degrees, Time};
use crate::outline::{Outline, Reference};
use crate::position::Position;
use crate::timeline::Day;
use crate::trips::Method;

/// How the first leg of a chapter leaves the place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaving {
    leg: ObjectId,
    is_tracked: bool,
    start: Spot,
    end_ts: f64,
}

impl Leaving {
    /// Of a chapter whose first leg was kept and starts on another day than the place was entered. Who asks for days is told
    /// how the last place was left, and needs no entries for that.
    pub(super) fn of(chapter: &Chapter) -> Option<Self> {
        let leg = chapter.legs.first()?;
        let cleaned = leg.cleaned.as_ref()?;
        let entered = chapter.opening.cleaned_place.entered()?;
        let is_overnight = Day::of(&entered.spot.moment) != Day::of(&cleaned.start.moment);
        let (start, end_ts) = (cleaned.start.clone(), cleaned.end.ts());
        is_overnight.then_some(Self { leg: leg.id, is_tracked: leg.is_tracked, start, end_ts })
    }

    /// A chapter of which nothing else is known: its leg has no ways, and ends where it starts.
    fn chapter(&self, opening: Opening, inputs: Vec<Input>) -> Chapter {
        let Self { leg, is_tracked, start, end_ts } = self.clone();
        let end = Spot::new(end_ts, start.moment.zone.clone(), start.at);
        let cleaned = Cleaned {
            duration_s: end.ts() - start.ts(),
            distance_m: 0.0,
            sections: Vec::new(),
            stops: Vec::new(),
            labels: Vec::new(),
            start: start.clone(),
            end: end.clone(),
        };
        let leg = Leg {
            id: leg,
            is_tracked,
            method: Method::TimeFilter,
            found_ts: 0.0,
            start,
            end,
            rows: None,
            sections: Vec::new(),
            cleaned: Some(cleaned),
        };
        Chapter { legs: vec![leg], inputs, ..Chapter::empty(opening) }
    }
}

impl Outline {
    /// What was said about places.
    pub fn said_about_places(&self) -> Vec<Reference> {
        let is_about_place = |name: &&Reference| {
            INPUT_KEYS.get(usize::from(name.key)).is_some_and(|key| key.starts_with("manual/place_"))
        };
        self.inputs.iter().filter(is_about_place).copied().collect()
    }

    /// The chapter, as far as those before it need it for all but raw places, if that is known without entries; `said` is
    /// what [`said_about_places`](Self::said_about_places) names.
    pub fn leaving_chapter(&self, said: Vec<Input>) -> Option<Chapter> {
        Some(self.leaving.as_ref()?.chapter(self.opening.clone(), said))
    }
}

/// A [`Leaving`] as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PackedLeaving {
    leg: ObjectId,
    is_tracked: bool,
    at: Time,
    /// `None` where it is the same time.
    shown: Option<Time>,
    /// `None` where it is the zone of the place, and where it is the place itself.
    zone: Option<Zone>,
    spot: Option<(Degrees, Degrees)>,
    end: Time,
}

impl PackedLeaving {
    pub(super) fn pack(leaving: Leaving, opening: &Opening, base_ts: f64) -> Self {
        let Leaving { leg, is_tracked, start, end_ts } = leaving;
        let Spot { moment: Moment { ts, shown_ts, zone }, at } = start;
        let place = opening.cleaned_place.touch().map(|touch| &touch.spot);
        Self {
            leg,
            is_tracked,
            at: Time::pack(ts, base_ts),
            shown: (shown_ts.to_bits() != ts.to_bits()).then(|| Time::pack(shown_ts, base_ts)),
            zone: Some(zone).filter(|zone| place.is_none_or(|place| place.moment.zone != *zone)),
            spot: place
                .is_none_or(|place| place.at != at)
                .then(|| (Degrees::pack(at.longitude), Degrees::pack(at.latitude))),
            end: Time::pack(end_ts, base_ts),
        }
    }

    /// `None` when it tells of a place that is not known, as damaged bytes may.
    pub(super) fn unpack(self, opening: &Opening, base_ts: f64) -> Option<Leaving> {
        let place = opening.cleaned_place.touch().map(|touch| &touch.spot);
        let ts = self.at.unpack(base_ts);
        let zone = self.zone.or_else(|| Some(place?.moment.zone.clone()))?;
        let at = match self.spot {
            Some((longitude, latitude)) => Position { longitude: longitude.unpack(), latitude: latitude.unpack() },
            None => place?.at,
        };
        let shown_ts = self.shown.map_or(ts, |shown| shown.unpack(base_ts));
        Some(Leaving {
            leg: self.leg,
            is_tracked: self.is_tracked,
            start: Spot { moment: Moment { ts, shown_ts, zone }, at },
            end_ts: self.end.unpack(base_ts),
        })
    }
}
