//! The checks of `run` before it writes anything.

use chrono::NaiveDateTime;
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{Clock, Schema, SqlConductor, types};

use super::{Failure, print_stderr};

/// The largest number of names or ids that a message lists.
const NAMES: usize = 3;
const IDS: usize = 10;

/// The facts that a run is checked by.
pub struct Request<'a> {
    pub release: types::Release,
    /// The time of `--now`.
    pub now: Option<NaiveDateTime>,
    /// Whether `--force` is given.
    pub force: bool,
    pub window: &'a Window,
    /// The names of `--host`; empty with `--all-hosts`.
    pub hosts: &'a [String],
}

/// Checks a run before it opens the state file and the target of the notifications. Returns the ids of the instances of
/// the window that no audit reaches, because the name of their host is not readable, and warns of them.
pub async fn check(request: &Request<'_>, conductor: &SqlConductor) -> Result<Vec<i64>, Failure> {
    if let Some(now) = request.now
        && !request.force
    {
        check_time(now, Clock::System.now())?;
    }
    check_release(request.release, conductor.schema())?;
    if !request.hosts.is_empty() {
        check_hosts(request.hosts, &conductor.known_hosts().await?)?;
    }
    let Window { begin, end } = request.window;
    let unreachable = conductor.instances_without_host_name(begin, end).await?;
    if !unreachable.is_empty() {
        print_stderr(&warning(&unreachable));
    }
    Ok(unreachable)
}

/// Rejects a time after that of the clock: the windows before it may not be over, and an audit of such a window would
/// miss the instances that are still to come.
fn check_time(now: NaiveDateTime, clock: NaiveDateTime) -> Result<(), Failure> {
    if now <= clock {
        return Ok(());
    }
    let clock = clock.format("%Y-%m-%dT%H:%M:%S");
    let help = "give an earlier time, or `--force` to audit a window that is not over";
    Err(Failure::BadInput(format!(
        "the time `{}` of `--now` is in the future, the clock of this machine says `{clock}`: {help}",
        now.format("%Y-%m-%dT%H:%M:%S%.f")
    )))
}

/// Rejects a release that cannot read the tables: it would report every instance as an error.
pub fn check_release(release: types::Release, schema: Schema) -> Result<(), Failure> {
    let (tables, fitting) = match (release, schema) {
        (types::Release::Grizzly, Schema::Grizzly) | (types::Release::Hibiscus, Schema::Hibiscus) => return Ok(()),
        (types::Release::Hibiscus, Schema::Grizzly) => ("Nova 2013.1 (Grizzly)", "grizzly"),
        (types::Release::Grizzly, Schema::Hibiscus) => ("a Nova after 2013.1 (Grizzly)", "hibiscus"),
    };
    Err(Failure::BadInput(format!("the database has the tables of {tables}: give `--release {fitting}`")))
}

/// Rejects hosts that the database does not know: their audit would find no instances and report that it is done.
fn check_hosts(hosts: &[String], known: &[String]) -> Result<(), Failure> {
    let unknown = hosts.iter().filter(|host| !known.contains(host));
    let unknown = unknown.map(|host| {
        let nearest = nearest(host, known).into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        match &nearest[..] {
            [] => format!("`{host}`"),
            [name] => format!("`{host}` (the nearest name is {name})"),
            names => format!("`{host}` (the nearest names are {})", names.join(", ")),
        }
    });
    let unknown = unknown.collect::<Vec<_>>();
    if unknown.is_empty() {
        return Ok(());
    }
    let text = format!("no instance and no `nova-compute` service names the host {}", unknown.join(", "));
    Err(Failure::BadInput(text))
}

/// Returns the known names that are most similar, those that differ only in case first.
fn nearest<'a>(host: &str, known: &'a [String]) -> Vec<&'a str> {
    let lowercase = host.to_lowercase();
    let similarity = |name: &String| strsim::jaro_winkler(&lowercase, &name.to_lowercase());
    let mut names: Vec<_> =
        known.iter().map(|name| (similarity(name), &name[..])).filter(|(similarity, _)| *similarity > 0.7).collect();
    names.sort_by(|(one, name), (other, other_name)| other.total_cmp(one).then(name.cmp(other_name)));
    names.into_iter().take(NAMES).map(|(_, name)| name).collect()
}

fn warning(ids: &[i64]) -> String {
    let listed = ids.iter().take(IDS).map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let more = match ids.len().saturating_sub(IDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = "warning: these rows of `instances` are not audited, because the name of their host is not text";
    format!("{text}: id {listed}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_nearest_names_begin_with_those_that_differ_in_case() {
        let known = names(&["CMP-1", "cmp-01", "cmp-02", "cmp-01.example.org", "storage", "Cmp-01"]);
        assert_eq!(nearest("CMP-01", &known), ["Cmp-01", "cmp-01", "CMP-1"]);
        assert_eq!(nearest("cmp-01.example", &known), ["cmp-01.example.org", "Cmp-01", "cmp-01"]);
        assert_eq!(nearest("storgae", &known), ["storage"]);
        assert!(nearest("elsewhere", &known).is_empty());
    }

    #[test]
    fn names_every_unknown_host() {
        let known = names(&["cmp-01", "storage"]);
        assert!(check_hosts(&names(&["storage", "cmp-01"]), &known).is_ok());
        let failure = check_hosts(&names(&["CMP-01", "cmp-01", "other"]), &known).expect_err("two are unknown");
        assert_eq!(
            failure.to_string(),
            "no instance and no `nova-compute` service names the host `CMP-01` (the nearest name is `cmp-01`), `other`"
        );
    }

    #[test]
    fn a_release_fits_only_its_tables() {
        let check = |release, schema| check_release(release, schema).err().map(|failure| failure.to_string());
        let text =
            |tables, release| Some(format!("the database has the tables of {tables}: give `--release {release}`"));
        assert_eq!(check(types::Release::Hibiscus, Schema::Hibiscus), None);
        assert_eq!(check(types::Release::Grizzly, Schema::Grizzly), None);
        assert_eq!(check(types::Release::Hibiscus, Schema::Grizzly), text("Nova 2013.1 (Grizzly)", "grizzly"));
        assert_eq!(check(types::Release::Grizzly, Schema::Hibiscus), text("a Nova after 2013.1 (Grizzly)", "hibiscus"));
    }

    #[test]
    fn shortens_a_long_list_of_ids() {
        let ids: Vec<i64> = (1..=12).collect();
        assert!(warning(&ids).ends_with("id `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`, `9`, `10` and 2 more"));
        assert!(warning(&ids[..1]).ends_with("not text: id `1`"));
    }
}
