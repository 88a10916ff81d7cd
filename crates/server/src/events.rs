//! Subscriptions: who follows a user's logs is sent what is appended, from where they left off.
//!
//! What is new is read from the store once for all who follow the same user, by a task that is woken after each append
//! and never waited for: a slow subscriber costs a writer nothing. It is kept in a short tail, from which each
//! subscriber takes what it has asked for, at its own pace. Who falls behind the tail is let go, and resumes from the
//! store. Where somebody is, is the store's position: sealing and restarts do not change it.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use rushhour_model::ids::UserId;
use rushhour_model::received::key_of;
use rushhour_model::wire::write_entry;
use rushhour_store::{Changes, Error, Found, Position, blocking, steady_time};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::app::App;
use crate::metrics::Durations;

/// The tail of a user's log takes at most so many bytes; one larger upload is a tail of its own.
const TAIL_BYTES_MAX: usize = 1 << 20;
/// So many entries are read from the store at once.
pub(crate) const PAGE_ENTRIES_MAX: usize = 1_000;
/// After something was told, what follows gathers for so long, so that a thousand appends a second wake a thousand
/// subscribers fifty times a second, and not a million times.
const GATHER: Duration = Duration::from_millis(20);

/// What was appended between two positions.
#[derive(Debug)]
struct Event {
    /// Where to go on after it.
    next: Position,
    entries: Vec<Told>,
    /// When the first of them was acknowledged.
    appended: Duration,
}

/// An entry, as subscribers are told it.
#[derive(Debug)]
struct Told {
    key: String,
    /// Where to go on behind its upload.
    next: Position,
    /// The entry with its ids, on one line.
    line: String,
}

/// Who is followed.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    /// Each with how many follow.
    topics: Mutex<HashMap<UserId, (usize, Arc<Topic>)>>,
    subscribers: AtomicUsize,
    /// Subscribers that fell behind and were let go.
    pub(crate) dropped: Counter,
    /// How long it took from an acknowledgement until a subscriber was told.
    pub(crate) delivery: Arc<Durations>,
}

/// Somebody who is followed.
#[derive(Debug)]
struct Topic {
    tail: Mutex<Tail>,
    /// Something was appended.
    appended: Arc<Notify>,
    /// When the first was that was not read.
    unread_since: Mutex<Option<Duration>>,
    /// How far the tail reaches.
    reach: watch::Sender<Position>,
}

#[derive(Debug)]
struct Tail {
    events: VecDeque<Event>,
    bytes: usize,
    /// Where the first of the events starts.
    from: Position,
    /// What was told last. Most of those who keep up have got equally far, and follow the same logs.
    last_told: Option<LastTold>,
}

/// What somebody who follows `keys` is told, who has got to `at`, when the tail reaches to `reach`.
#[derive(Debug)]
struct LastTold {
    at: Position,
    reach: Position,
    keys: Vec<String>,
    event: Option<Bytes>,
}

impl Tail {
    fn push(&mut self, event: Event) {
        self.bytes += event.bytes();
        self.events.push_back(event);
        while self.bytes > TAIL_BYTES_MAX && self.events.len() > 1 {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.from = oldest.next;
        }
    }
}

impl Event {
    fn bytes(&self) -> usize {
        let entries = self.entries.iter().map(|told| size_of::<Told>() + told.key.len() + told.line.len());
        size_of::<Self>() + entries.sum::<usize>()
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // Whoever reads for it shall see that it is gone.
        self.appended.notify_one();
    }
}

impl Hub {
    /// Tells that something of `user` was appended. Returns at once.
    pub(crate) fn note(&self, user: UserId) {
        if self.subscribers() == 0 {
            return;
        }
        if let Some((_, topic)) = self.topics.lock().expect("no holder panics").get(&user) {
            topic.unread_since.lock().expect("no holder panics").get_or_insert_with(steady_time);
            topic.appended.notify_one();
        }
    }

    /// How many subscribers there are.
    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Relaxed)
    }

    /// Lets everybody who follows see that the server stops.
    pub(crate) fn wake(&self) {
        for (_, topic) in self.topics.lock().expect("no holder panics").values() {
            topic.reach.send_modify(|_| ());
        }
    }

    fn join(&self, app: &Arc<App>, user: UserId) -> Arc<Topic> {
        let mut topics = self.topics.lock().expect("no holder panics");
        let (followers, topic) = topics.entry(user).or_insert_with(|| (0, follow(app, user)));
        *followers += 1;
        Arc::clone(topic)
    }

    fn leave(&self, user: UserId) {
        let mut topics = self.topics.lock().expect("no holder panics");
        let Some((followers, _)) = topics.get_mut(&user) else { return };
        *followers -= 1;
        if *followers == 0 {
            topics.remove(&user);
        }
    }
}

/// Starts to read what is appended by `user`.
fn follow(app: &Arc<App>, user: UserId) -> Arc<Topic> {
    let from = app.store.position(user);
    let tail = Mutex::new(Tail { events: VecDeque::new(), bytes: 0, from, last_told: None });
    let appended = Arc::new(Notify::new());
    let (waker, reach) = (Arc::clone(&appended), watch::Sender::new(from));
    let topic = Arc::new(Topic { tail, appended: waker, unread_since: Mutex::default(), reach });
    tokio::spawn(read_on(Arc::downgrade(app), user, Arc::downgrade(&topic), appended));
    topic
}

async fn read_on(app: Weak<App>, user: UserId, topic: Weak<Topic>, appended: Arc<Notify>) {
    loop {
        appended.notified().await;
        let (Some(app), Some(topic)) = (app.upgrade(), topic.upgrade()) else { return };
        // What cannot be read now is read after the next append, and by those who connect anew.
        while read_more(&app, user, &topic).await.unwrap_or(false) {}
        drop((app, topic));
        sleep(GATHER).await;
    }
}

/// Adds what is new to the tail; returns whether there was something.
async fn read_more(app: &Arc<App>, user: UserId, topic: &Topic) -> Result<bool, Error> {
    let after = *topic.reach.borrow();
    let since = topic.unread_since.lock().expect("no holder panics").take();
    let reading = Arc::clone(app);
    let (next, entries) = blocking(move || {
        let changes = reading.store.feed(user, None, after, PAGE_ENTRIES_MAX)?;
        Ok((changes.next, told(user, &changes)))
    })
    .await?;
    if next == after {
        return Ok(false);
    }
    topic.tail.lock().expect("no holder panics").push(Event {
        next,
        entries,
        // What was not noted yet was acknowledged a moment ago.
        appended: since.unwrap_or_else(steady_time),
    });
    topic.reach.send_replace(next);
    Ok(true)
}

fn told(user: UserId, changes: &Changes) -> Vec<Told> {
    let nexts = changes.uploads.iter().flat_map(|(entries, next)| std::iter::repeat_n(*next, *entries));
    let told = |(entry, next): (&Found, Position)| {
        let mut line = String::with_capacity(entry.text.len() + 128);
        write_entry(&mut line, user, entry.id, &entry.text);
        // Between the parts of a JSON text a break is as good as a space, and inside of them there is none.
        Told { key: key_of(&entry.text).unwrap_or_default(), next, line: line.replace(['\n', '\r'], " ") }
    };
    changes.entries.iter().zip(nexts).map(told).collect()
}

/// A subscription.
pub(crate) struct Subscription {
    app: Arc<App>,
    user: UserId,
    /// The logs that are followed.
    keys: Vec<String>,
    topic: Arc<Topic>,
    reach: watch::Receiver<Position>,
    /// Up to where the subscriber was told everything.
    at: Position,
    /// Whether it has caught up once; who falls behind after that is let go.
    is_live: bool,
}

impl Subscription {
    /// Follows `keys` of `user` from `from` on, or from now on; `None` when there are too many already.
    pub(crate) fn start(app: &Arc<App>, user: UserId, keys: Vec<String>, from: Option<Position>) -> Option<Self> {
        let hub = &app.hub;
        if hub.subscribers.fetch_add(1, Ordering::Relaxed) >= app.limits.subscribers_max {
            hub.subscribers.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let topic = hub.join(app, user);
        let reach = topic.reach.subscribe();
        // A position of another store may lie beyond the end of this one.
        let end = app.store.position(user);
        let at = from.map_or(end, |from| from.min(end));
        Some(Self { app: Arc::clone(app), user, keys, topic, reach, at, is_live: false })
    }

    /// Waits for entries of its logs; they come as a server-sent event. `None` when the subscriber has fallen behind, or
    /// the server stops.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.take_tail() {
                Some(Some(event)) => return Ok(Some(event)),
                Some(None) if self.app.is_draining() => return Ok(None),
                Some(None) => {
                    self.is_live = true;
                    // The topic is there as long as its subscribers.
                    let _ = self.reach.changed().await;
                }
                None if self.is_live => {
                    self.app.hub.dropped.inc();
                    return Ok(None);
                }
                None => {
                    if let Some(event) = self.take_page().await? {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }

    /// What the tail has for the subscriber, if something; `None` when the tail starts later.
    fn take_tail(&mut self) -> Option<Option<Bytes>> {
        let reach = *self.reach.borrow_and_update();
        let mut tail = self.topic.tail.lock().expect("no holder panics");
        if self.at < tail.from {
            return None;
        }
        let first = tail.events.partition_point(|event| event.next <= self.at);
        // The first of them may have been read for others, and partly told to this one.
        let is_asked = |told: &&Told| told.next > self.at && self.keys.contains(&told.key);
        let told = || tail.events.iter().skip(first).map(|event| (event, event.entries.iter().filter(is_asked)));
        for (event, mut entries) in told() {
            if entries.next().is_some() {
                self.app.hub.delivery.observe(steady_time().saturating_sub(event.appended));
            }
        }
        let is_same = |last: &&LastTold| last.at == self.at && last.reach == reach && last.keys == self.keys;
        let event = match tail.last_told.as_ref().filter(is_same) {
            Some(last) => last.event.clone(),
            None => {
                let event = event_of(reach, told().flat_map(|(_, entries)| entries));
                let (at, keys) = (self.at, self.keys.clone());
                tail.last_told = Some(LastTold { at, reach, keys, event: event.clone() });
                event
            }
        };
        self.at = reach.max(self.at);
        Some(event)
    }

    /// The next page of the store.
    async fn take_page(&mut self) -> Result<Option<Bytes>, Error> {
        let (app, user, keys, at) = (Arc::clone(&self.app), self.user, self.keys.clone(), self.at);
        let page = blocking(move || app.store.feed(user, Some(&keys), at, PAGE_ENTRIES_MAX)).await?;
        self.at = page.next;
        let told = told(user, &page);
        Ok(event_of(page.next, told.iter()))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.app.hub.subscribers.fetch_sub(1, Ordering::Relaxed);
        self.app.hub.leave(self.user);
    }
}

/// One event for some entries, so that a client has all of them or none; `None` when there are none.
fn event_of<'a>(next: Position, entries: impl Iterator<Item = &'a Told>) -> Option<Bytes> {
    let mut event = String::new();
    for told in entries {
        event.push_str(if event.is_empty() { "data: {\"entries\":[" } else { "," });
        event.push_str(&told.line);
    }
    if event.is_empty() {
        return None;
    }
    event.push_str(&format!("]}}\nid: {}\n\n", next.0));
    Some(event.into())
}
