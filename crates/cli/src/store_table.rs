//! What a store takes, as tables for people and as JSON for programs.

use rushhour_report::table::Table;
use serde_json::{Value, json as value};

use crate::store_figures::{Figures, Group, Keys, Person, STUDY_BYTES_MAX, STUDY_USER_DAYS, per};

/// As tables.
pub(crate) fn text(figures: &Figures) -> String {
    let mut tables = vec![totals(figures), parts(figures), platforms(figures)];
    if !figures.top.is_empty() {
        tables.push(users(&figures.top));
    }
    tables.iter().map(Table::text).collect::<Vec<_>>().join("\n")
}

fn totals(figures: &Figures) -> Table {
    let Figures { usage, all, versions, rounded_chunks, .. } = figures;
    let versions: Vec<String> = versions.iter().map(|(version, chunks)| format!("{version}: {chunks}")).collect();
    let mut table = Table::new(1, &["what", "value"]);
    let rows = [
        ("users", all.users.to_string()),
        ("user-days", all.user_days.to_string()),
        ("entries", all.entries.to_string()),
        ("bytes", usage.total().to_string()),
        ("bytes per entry", decimals(figures.bytes_per_entry(), 2)),
        ("bytes per user-day", decimals(figures.bytes_per_user_day(), 0)),
        ("the study at this rate, GB", decimals(figures.study_bytes() / 1e9, 2)),
        ("volumes", usage.volumes.to_string()),
        ("chunks by codec version", if versions.is_empty() { "none".to_owned() } else { versions.join(", ") }),
        ("chunks with rounded iOS values", rounded_chunks.to_string()),
    ];
    table.rows = rows.into_iter().map(|(what, value)| vec![what.to_owned(), value]).collect();
    table
}

/// All bytes, each once.
fn parts(figures: &Figures) -> Table {
    let Figures { usage, all, .. } = figures;
    let mut table = Table::new(1, &["part", "entries", "bytes", "share_pct", "bytes_per_entry", "bytes_per_user_day"]);
    let total = usage.total();
    let mut row = |part: &str, entries: Option<u64>, bytes: u64| {
        table.rows.push(vec![
            part.to_owned(),
            entries.map_or(String::new(), |entries| entries.to_string()),
            bytes.to_string(),
            decimals(100.0 * per(bytes, total), 1),
            entries.map_or(String::new(), |entries| decimals(per(bytes, entries), 2)),
            decimals(per(bytes, all.user_days), 0),
        ]);
    };
    for (key, usage) in &all.keys {
        row(key, Some(usage.entries), usage.bytes);
    }
    for (part, bytes) in overhead(figures) {
        row(part, None, bytes);
    }
    row("all", Some(all.entries), total);
    table
}

fn overhead(figures: &Figures) -> [(&'static str, u64); 6] {
    let Figures { usage, all, .. } = figures;
    [
        ("what the keys of a chunk share", all.shared_bytes()),
        ("who users are", usage.live_chunks.saturating_sub(all.chunk_bytes)),
        ("replaced chunks", usage.dead_chunks),
        ("log", usage.log),
        ("directory", usage.directory),
        ("diaries", usage.diaries),
    ]
}

fn platforms(figures: &Figures) -> Table {
    let headings = ["platform", "key", "entries", "chunk_bytes", "bytes_per_entry", "bytes_per_user_day"];
    let mut table = Table::new(2, &headings);
    for (platform, group) in &figures.platforms {
        let mut row = |key: &str, entries: Option<u64>, bytes: u64| {
            table.rows.push(vec![
                platform.clone(),
                key.to_owned(),
                entries.map_or(String::new(), |entries| entries.to_string()),
                bytes.to_string(),
                entries.map_or(String::new(), |entries| decimals(per(bytes, entries), 2)),
                decimals(per(bytes, group.user_days), 0),
            ]);
        };
        for (key, usage) in &group.keys {
            row(key, Some(usage.entries), usage.bytes);
        }
        row("what the keys share", None, group.shared_bytes());
        row(&format!("all, of {} user-days", group.user_days), Some(group.entries), group.chunk_bytes);
    }
    table
}

fn users(people: &[Person]) -> Table {
    let headings = ["user", "token", "platform", "user_days", "entries", "chunk_bytes", "log_bytes", "bytes_per_entry"];
    let mut table = Table::new(3, &headings);
    let row = |Person { usage, platform, days }: &Person| {
        let bytes = usage.chunk_bytes + usage.log_bytes;
        let numbers = [*days, usage.entries, usage.chunk_bytes, usage.log_bytes].map(|number| number.to_string());
        let names = [usage.user.to_string(), usage.tokens.join(" "), platform.clone()];
        names.into_iter().chain(numbers).chain([decimals(per(bytes, usage.entries), 2)]).collect()
    };
    table.rows = people.iter().map(row).collect();
    table
}

fn decimals(number: f64, count: usize) -> String {
    format!("{number:.count$}")
}

/// As JSON.
pub(crate) fn json(figures: &Figures) -> String {
    let Figures { usage, all, platforms, versions, rounded_chunks, top } = figures;
    let parts = overhead(figures).map(|(part, bytes)| (part.replace(' ', "_"), Value::from(bytes)));
    let platforms = platforms.iter().map(|(platform, group)| (platform.clone(), group_json(group)));
    let versions = versions.iter().map(|(version, chunks)| (version.to_string(), Value::from(*chunks)));
    let mut told = value!({
        "bytes_per_entry": figures.bytes_per_entry(),
        "bytes_per_user_day": figures.bytes_per_user_day(),
        "bytes": usage.total(),
        "volumes": usage.volumes,
        "chunks": usage.chunks,
        "rounded_chunks": rounded_chunks,
        "codec_versions": versions.collect::<serde_json::Map<_, _>>(),
        "study": {"user_days": STUDY_USER_DAYS, "bytes": figures.study_bytes(), "bytes_max": STUDY_BYTES_MAX},
        "all": group_json(all),
        "beside_keys": parts.into_iter().collect::<serde_json::Map<_, _>>(),
        "platforms": platforms.collect::<serde_json::Map<_, _>>(),
    });
    if let Some(told) = told.as_object_mut().filter(|_| !top.is_empty()) {
        told.insert("top_users".to_owned(), top.iter().map(person_json).collect());
    }
    serde_json::to_string_pretty(&told).expect("texts and numbers can be written as JSON") + "\n"
}

fn group_json(group: &Group) -> Value {
    let Group { users, user_days, entries, chunk_bytes, keys } = group;
    value!({
        "users": users, "user_days": user_days, "entries": entries, "chunk_bytes": chunk_bytes,
        "shared_bytes": group.shared_bytes(), "keys": keys_json(keys),
    })
}

fn keys_json(keys: &Keys) -> Value {
    let pairs = keys.iter().map(|(key, usage)| (key.clone(), value!({"entries": usage.entries, "bytes": usage.bytes})));
    Value::Object(pairs.collect())
}

fn person_json(Person { usage, platform, days }: &Person) -> Value {
    value!({
        "user_id": usage.user.to_string(), "tokens": usage.tokens, "platform": platform, "user_days": days,
        "entries": usage.entries, "chunk_bytes": usage.chunk_bytes, "log_bytes": usage.log_bytes,
    })
}
