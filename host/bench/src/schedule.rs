//! What runs when: rounds in which every strategy runs once on every guest, so that whatever the host does besides hits all
//! of them alike.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Command;
use crate::counters::operations;
use crate::plan::Plan;
use crate::profile::{self, Seen};
use crate::provenance::{ProvenanceError, Sources, cell};
use crate::record::{FORMAT, Provenance, Record, RecordError, Results};
use crate::run::{Launch, RunError, Stop, refusal, run};
use crate::statistics::ROUNDS_MIN;
use crate::strategy::{Mode, StrategyError};
use crate::summary::widest;

/// A run that is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The index of the guest.
    pub guest: usize,
    /// The index of the strategy.
    pub strategy: usize,
    /// The round.
    pub round: u32,
    /// Which run of the guest's round it is.
    pub place: u32,
    /// Whether it is looked at while it runs; its times do not count.
    pub profile: bool,
}

/// The runs of a round: guest by guest, each time with another strategy first, so that none is always the first after
/// something else.
#[must_use]
pub fn round(plan: &Plan, round: u32) -> Vec<Task> {
    let count = plan.strategies.len();
    let order = move |guest: usize| {
        (0..count).map(move |place| Task {
            guest,
            strategy: (place + round as usize) % count,
            round,
            place: place as u32,
            profile: false,
        })
    };
    (0..plan.guests.len()).flat_map(order).collect()
}

/// The runs that are looked at while they run: those that have a monitor to ask.
#[must_use]
pub fn profiles(plan: &Plan) -> Vec<Task> {
    if !plan.profile {
        return Vec::new();
    }
    let first = round(plan, 0).into_iter();
    let monitored = first.filter(|task| plan.strategies[task.strategy].mode != Mode::Native);
    monitored.map(|task| Task { profile: true, ..task }).collect()
}

/// All runs that a plan surely has, in their order.
#[must_use]
pub fn tasks(plan: &Plan) -> Vec<Task> {
    (0..plan.repetitions).flat_map(|number| round(plan, number)).chain(profiles(plan)).collect()
}

/// A part of a plan that one of several machines runs. What is compared stays together: a part has whole rounds of a
/// guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1 on.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// Not a shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shard is NUMBER/COUNT such as 3/16, from 1/16 to 16/16, not {0:?}")]
pub struct ShardError(String);

impl std::str::FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let shard = numbers.map(|(number, of)| Shard { number, of });
        shard.filter(|shard| (1..=shard.of).contains(&shard.number)).ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl Shard {
    /// Whether a run is in this part.
    #[must_use]
    pub fn has(self, plan: &Plan, task: &Task) -> bool {
        let round = if task.profile { plan.repetitions } else { task.round };
        let block = round as usize * plan.guests.len() + task.guest;
        block % self.of as usize == self.number as usize - 1
    }
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// A strategy does not run.
    #[error("the strategy {strategy} cannot run {guest}: {why}")]
    Refused {
        /// The strategy.
        strategy: String,
        /// The guest.
        guest: String,
        /// What the command said.
        why: String,
    },
    /// It contradicts itself.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A file is missing.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// Results are not readable or not writable.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The command cannot be started.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No file for a socket.
    #[error("cannot make a directory for the control socket: {0}")]
    Socket(std::io::Error),
    /// What is there is of something else.
    #[error("{0} has only results of another build, guest or plan: choose another --output, or delete it")]
    Other(String),
    /// There is no run of this number.
    #[error("the plan has {1} runs, numbered from 0 on, and no run {0}")]
    NoTask(usize, usize),
}

/// What is told while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// It is tried whether everything runs at all.
    Tries(&'a str),
    /// A run begins.
    Starts {
        /// The run.
        task: Task,
        /// How many runs there are before it, and how many there will be as far as it is known.
        done: usize,
        /// See `done`.
        of: usize,
    },
    /// A run has ended.
    Ended(&'a Record),
}

/// What is run of a plan, and how.
#[derive(Debug)]
pub struct Request<'a> {
    /// Where results go.
    pub results: &'a Path,
    /// Only this part.
    pub shard: Option<Shard>,
    /// Only the run that has this number in [`tasks`].
    pub only: Option<usize>,
    /// Whether what is in the results need not run again.
    pub resume: bool,
    /// A wish to stop.
    pub stop: Stop,
}

/// What came of it.
#[derive(Debug)]
pub struct Measured {
    /// All runs, also those that were there before.
    pub records: Vec<Record>,
    /// Why it ended earlier than planned, if it did.
    pub cut_short: Option<String>,
}

/// A guest under a strategy, ready to run.
struct Cell {
    id: String,
    provenance: Provenance,
    arguments: Vec<String>,
}

/// Runs plans.
struct Runner<'a> {
    command: &'a Command<'a>,
    plan: &'a Plan,
    /// By guest, then by strategy.
    cells: Vec<Vec<Cell>>,
    stop: Stop,
    socket: tempfile::TempDir,
}

impl<'a> Runner<'a> {
    fn new(command: &'a Command<'a>, plan: &'a Plan, stop: &Stop) -> Result<Runner<'a>, MeasureError> {
        let mut sources = Sources::new(command);
        let mut cells = Vec::new();
        for guest in &plan.guests {
            let mut of_guest = Vec::new();
            for strategy in &plan.strategies {
                let provenance = sources.of(plan, guest, strategy)?;
                let mut arguments = vec!["run".to_owned()];
                arguments.extend(guest.switches(strategy));
                arguments.extend(strategy.switches(&plan.directory)?);
                let id = cell(&provenance, &arguments, guest.expect.as_deref());
                of_guest.push(Cell { id, provenance, arguments });
            }
            cells.push(of_guest);
        }
        let socket = tempfile::tempdir().map_err(MeasureError::Socket)?;
        Ok(Runner { command, plan, cells, stop: Stop::clone(stop), socket })
    }

    fn launch<'b>(&'b self, arguments: &'b [String], guest: usize) -> Launch<'b> {
        Launch {
            command: &self.command.file,
            directory: &self.plan.directory,
            arguments,
            patience: self.plan.patience,
            expect: self.plan.guests[guest].expect.as_deref(),
        }
    }

    /// Boots each guest under each strategy for one instruction, so that what cannot run is refused before anything was
    /// measured.
    fn rehearse(&self, guest: usize, strategy: usize) -> Result<(), MeasureError> {
        let mut arguments = self.cells[guest][strategy].arguments.clone();
        let more = ["--limit-instructions", "1", "--limit-time", "60", "--console", "/dev/null", "--stats", "none"];
        arguments.extend(more.map(str::to_owned));
        let ran = run(&self.launch(&arguments, guest), &self.stop, |_| ())?;
        match refusal(&ran) {
            None => Ok(()),
            Some(why) => Err(MeasureError::Refused {
                strategy: self.plan.strategies[strategy].name.clone(),
                guest: self.plan.guests[guest].name.clone(),
                why,
            }),
        }
    }

    fn run(&self, task: &Task) -> Result<Record, MeasureError> {
        let Cell { id, provenance, arguments } = &self.cells[task.guest][task.strategy];
        let (guest, strategy) = (&self.plan.guests[task.guest], &self.plan.strategies[task.strategy]);
        let mut all = arguments.clone();
        let limit = self.plan.patience.as_secs().to_string();
        all.extend(["--stats", "json", "--limit-time", &limit].map(str::to_owned));
        let socket = self.socket.path().join("control");
        if task.profile {
            all.extend(["--control".to_owned(), socket.to_string_lossy().into_owned()]);
        }
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let load = crate::provenance::host().load;
        let seen = Mutex::new(Seen::default());
        let watch = |ended: &AtomicBool| {
            if task.profile {
                let found = profile::look(&socket, ended);
                *seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = found;
            }
        };
        let ran = run(&self.launch(&all, task.guest), &self.stop, watch)?;
        let Seen { samples, sites } = seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let name = (self.command.find)(&guest.guest, &self.plan.directory).map(|guest| guest.name).unwrap_or_default();
        let mut provenance = provenance.clone();
        provenance.host.load = load;
        let record = Record {
            format: FORMAT,
            id: String::new(),
            cell: id.clone(),
            guest: guest.name.clone(),
            strategy: strategy.clone(),
            baseline: self.plan.baseline.clone(),
            round: task.round,
            place: task.place,
            profile: task.profile,
            arguments: all,
            provenance,
            started: started.as_secs_f64(),
            outcome: ran.outcome,
            times: ran.times,
            memory: ran.memory,
            operations: operations(&name, &ran.console),
            counters: ran.counters,
            samples,
            sites,
        };
        Ok(record.sealed())
    }
}

/// Measures a plan.
///
/// # Errors
/// If a strategy does not run, the results cannot be written, or it was asked to stop: the results so far are kept.
pub fn measure(
    command: &Command,
    plan: &Plan,
    request: &Request,
    progress: &mut dyn FnMut(Progress),
) -> Result<Measured, MeasureError> {
    let runner = Runner::new(command, plan, &request.stop)?;
    let wanted = tasks(plan);
    let only = match request.only {
        None => None,
        Some(number) => Some(*wanted.get(number).ok_or(MeasureError::NoTask(number, wanted.len()))?),
    };
    let mine =
        |task: &Task| request.shard.is_none_or(|shard| shard.has(plan, task)) && only.is_none_or(|only| only == *task);
    let wanted: Vec<Task> = wanted.into_iter().filter(mine).collect();
    let mut records = Vec::new();
    if request.resume && request.results.exists() {
        records = crate::record::read(request.results)?;
        let known: HashSet<&str> = runner.cells.iter().flatten().map(|cell| cell.id.as_str()).collect();
        let was_empty = records.is_empty();
        records.retain(|record| known.contains(record.cell.as_str()));
        if records.is_empty() && !was_empty {
            return Err(MeasureError::Other(request.results.display().to_string()));
        }
    }
    let mut tried = HashSet::new();
    for task in &wanted {
        if tried.insert((task.guest, task.strategy)) {
            progress(Progress::Tries(&plan.strategies[task.strategy].name));
            runner.rehearse(task.guest, task.strategy)?;
        }
    }
    let mut results = Results::append(request.results)?;
    let start = Instant::now();
    let mut done = 0;
    let mut cut_short = None;
    let (timed, profiles): (Vec<Task>, Vec<Task>) = wanted.into_iter().partition(|task| !task.profile);
    let mut queue = timed;
    let mut of = queue.len() + profiles.len();
    let mut next_round = plan.repetitions;
    loop {
        for task in &queue {
            let is_done = |record: &Record| {
                record.cell == runner.cells[task.guest][task.strategy].id
                    && (record.round, record.profile) == (task.round, task.profile)
            };
            if records.iter().any(is_done) {
                done += 1;
                continue;
            }
            if !task.profile && task.place == 0 && start.elapsed() > plan.limit {
                cut_short = Some(format!("the limit of {} is reached", minutes(plan.limit)));
                break;
            }
            progress(Progress::Starts { task: *task, done, of });
            let record = runner.run(task)?;
            results.add(&record)?;
            progress(Progress::Ended(&record));
            records.push(record);
            done += 1;
        }
        if queue.first().is_some_and(|task| task.profile) || cut_short.is_some() && profiles.is_empty() {
            break;
        }
        let more = plan.until.filter(|_| only.is_none() && request.shard.is_none() && cut_short.is_none());
        let narrow = more.is_none_or(|width| {
            next_round as usize >= ROUNDS_MIN && widest(&records, plan).is_some_and(|widest| widest <= width)
        });
        if !narrow && next_round >= plan.at_most {
            cut_short = Some(format!("{} rounds were not enough", plan.at_most));
        }
        if narrow || cut_short.is_some() {
            if profiles.is_empty() {
                break;
            }
            queue.clone_from(&profiles);
        } else {
            queue = round(plan, next_round);
            next_round += 1;
            of += queue.len();
        }
    }
    Ok(Measured { records, cut_short })
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::GuestChoice;
    use crate::strategy::Strategy;

    fn plan() -> Plan {
        let guest = |name: &str| GuestChoice { guest: name.into(), name: name.into(), ..GuestChoice::default() };
        let strategies = ["native", "trap", "hot"].map(|name| Strategy::named(name).unwrap());
        Plan { guests: vec![guest("a"), guest("b")], strategies: strategies.into(), repetitions: 4, ..Plan::default() }
    }

    #[test]
    fn rounds_have_every_strategy_once_and_begin_with_another() {
        let plan = plan();
        let firsts: Vec<usize> = (0..3).map(|number| round(&plan, number)[0].strategy).collect();
        assert_eq!(firsts, [0, 1, 2]);
        let mut strategies: Vec<(usize, usize)> =
            round(&plan, 1).iter().map(|task| (task.guest, task.strategy)).collect();
        strategies.sort_unstable();
        assert_eq!(strategies, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    }

    #[test]
    fn shards_have_everything_once_and_keep_rounds_together() {
        let plan = plan();
        let all = tasks(&plan);
        for of in [1, 3, 8, 16] {
            let mut count = 0;
            for number in 1..=of {
                let shard = Shard { number, of };
                let own: Vec<&Task> = all.iter().filter(|task| shard.has(&plan, task)).collect();
                count += own.len();
                let timed: Vec<_> = own.iter().filter(|task| !task.profile).collect();
                assert_eq!(timed.len() % plan.strategies.len(), 0);
            }
            assert_eq!(count, all.len());
        }
    }

    #[test]
    fn shards_are_parsed() {
        assert_eq!("3/16".parse(), Ok(Shard { number: 3, of: 16 }));
        for bad in ["", "3", "0/4", "5/4", "a/b", "1/0"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
