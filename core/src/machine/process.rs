//! A machine's processes: the table, who is to be polled, jobs, signals. The programs themselves are in
//! [`crate::programs`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Machine;
use super::ctx::Ctx;
use super::syscall::Sys;
use crate::event::Fact;
use crate::id::{JobId, Pid};
use crate::limits;
use crate::programs::{Errno, Program, Signal, Stdio, Step};
use crate::time::SimTime;
use crate::view::{Key, LeaseState, ProcessRow, Row};

/// The first process's PID.
pub(super) const INIT: Pid = Pid(1);
/// How often programs may be polled at one instant before the rest waits for the next microsecond: a program that
/// wakes itself for ever must not stop the lab.
const POLLS_MAX: u32 = 10_000;

/// A process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub ppid: Pid,
    pub job: Option<JobId>,
    pub argv: Vec<String>,
    /// What it runs; not there while it is being polled, and after it ended.
    pub program: Option<Program>,
    pub tty: Option<u16>,
    pub stdin: VecDeque<u8>,
    pub stdin_eof: bool,
    /// Where its standard streams lead.
    pub stdio: Stdio,
    /// Why a write failed, until the program asks.
    pub write_error: Option<Errno>,
    pub signal: Option<Signal>,
    pub timer: Option<SimTime>,
    pub frozen: bool,
    /// Its exit status, until its parent asks for it.
    pub exit: Option<i32>,
    pub next_fd: u32,
}

/// The process table.
#[derive(Clone, Debug)]
pub(super) struct Processes {
    pub table: BTreeMap<Pid, Process>,
    pub ready: VecDeque<Pid>,
    pub timers: BTreeSet<(SimTime, Pid)>,
    pub jobs: BTreeMap<JobId, Pid>,
    next_pid: u32,
}

impl Processes {
    /// `first`: the PID the first process gets; a freshly booted Debian has used some hundreds.
    pub fn new(first: u32) -> Self {
        Self {
            table: BTreeMap::new(),
            ready: VecDeque::new(),
            timers: BTreeSet::new(),
            jobs: BTreeMap::new(),
            next_pid: first,
        }
    }

    pub fn peek_pid(&self) -> Pid {
        Pid(self.next_pid)
    }

    /// The next PID, taken.
    pub fn next_pid(&mut self) -> Pid {
        let pid = Pid(self.next_pid);
        self.next_pid += 1;
        pid
    }

    /// Something happened to this process.
    pub fn wake(&mut self, pid: Pid) {
        if self.table.contains_key(&pid) && !self.ready.contains(&pid) {
            self.ready.push_back(pid);
        }
    }

    pub fn set_timer(&mut self, pid: Pid, at: SimTime) {
        if let Some(process) = self.table.get_mut(&pid) {
            if process.timer.is_some_and(|old| old <= at) {
                return;
            }
            if let Some(old) = process.timer.replace(at) {
                self.timers.remove(&(old, pid));
            }
            self.timers.insert((at, pid));
        }
    }

    fn clear_timer(&mut self, pid: Pid) {
        if let Some(at) = self.table.get_mut(&pid).and_then(|process| process.timer.take()) {
            self.timers.remove(&(at, pid));
        }
    }

    pub fn next_wakeup(&self) -> Option<SimTime> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn due(&mut self, now: SimTime) {
        while let Some(&(at, pid)) = self.timers.first()
            && at <= now
        {
            self.clear_timer(pid);
            self.wake(pid);
        }
    }
}

impl Machine {
    /// Starts a process. `None` when the table is full or there is no such program.
    pub(super) fn start_process(
        &mut self,
        ctx: &mut Ctx<'_>,
        ppid: Pid,
        job: Option<JobId>,
        tty: Option<u16>,
        argv: Vec<String>,
        program: Program,
    ) -> Option<Pid> {
        if self.processes.table.len() >= limits::PROCESSES_MAX {
            return None;
        }
        let pid = self.processes.next_pid();
        let parent = self.processes.table.get(&ppid);
        let stdio = parent.map(|parent| parent.stdio.clone()).unwrap_or_default();
        let stdin_eof = stdio.input.is_some() || parent.map_or(tty.is_none(), |parent| parent.stdin_eof);
        let process = Process {
            ppid,
            job,
            argv,
            program: Some(program),
            tty,
            stdin: stdio.input.as_deref().unwrap_or_default().bytes().collect(),
            stdin_eof,
            stdio,
            write_error: None,
            signal: None,
            timer: None,
            frozen: false,
            exit: None,
            next_fd: 3,
        };
        self.processes.table.insert(pid, process);
        if let Some(row) = self.process_row(pid) {
            ctx.put(Row::Process(row));
        }
        self.processes.wake(pid);
        Some(pid)
    }

    /// Starts a command line as a job. Without a terminal and unless `stdin` is to stay open, its standard input is
    /// empty, as that of `bash -c … </dev/null`.
    pub fn start_job(&mut self, ctx: &mut Ctx<'_>, job: JobId, line: &str, tty: Option<u16>, stdin: bool) {
        ctx.fact(Fact::JobStarted { node: self.node, job, line: line.to_owned() });
        let argv = vec!["bash".to_owned()];
        match self.start_process(ctx, INIT, Some(job), tty, argv, Program::shell(line)) {
            Some(pid) => {
                self.processes.jobs.insert(job, pid);
                if let Some(process) = self.processes.table.get_mut(&pid) {
                    process.stdin_eof = tty.is_none() && !stdin;
                }
            }
            None => ctx.fact(Fact::JobEnded { node: self.node, job, status: 126 }),
        }
        self.run(ctx);
    }

    /// Sends a signal to all processes of a job.
    pub fn signal_job(&mut self, ctx: &mut Ctx<'_>, job: JobId, signal: Signal) {
        let pids: Vec<_> =
            self.processes.table.iter().filter(|(_, process)| process.job == Some(job)).map(|(pid, _)| *pid).collect();
        // Children first: a shell decides what to do by how its child ended.
        for pid in pids.into_iter().rev() {
            self.signal(ctx, pid, signal);
        }
        self.run(ctx);
    }

    /// Gives a job's processes standard input; the end of it if `text` is `None`.
    pub fn job_input(&mut self, ctx: &mut Ctx<'_>, job: JobId, text: Option<&str>) {
        let mut of_job: Vec<_> =
            self.processes.table.iter_mut().filter(|(_, p)| p.job == Some(job) && p.exit.is_none()).collect();
        match text {
            // The newest process of the job is the one in the foreground.
            Some(text) => {
                if let Some((_, process)) = of_job.last_mut().filter(|(_, process)| process.stdio.input.is_none()) {
                    process.stdin.extend(text.bytes());
                }
            }
            None => of_job.iter_mut().for_each(|(_, process)| process.stdin_eof = true),
        }
        if let Some(pid) = of_job.last().map(|(pid, _)| **pid) {
            self.processes.wake(pid);
        }
        self.run(ctx);
    }

    pub(super) fn signal(&mut self, ctx: &mut Ctx<'_>, pid: Pid, signal: Signal) {
        let Some(process) = self.processes.table.get_mut(&pid).filter(|process| process.exit.is_none()) else {
            return;
        };
        match signal {
            Signal::Stop => process.frozen = true,
            Signal::Cont => {
                process.frozen = false;
                self.processes.wake(pid);
            }
            Signal::Kill => self.end_process(ctx, pid, 128 + 9),
            Signal::Int | Signal::Term => {
                process.signal = Some(signal);
                self.processes.wake(pid);
            }
        }
    }

    /// Polls every program to which something happened, until nothing more does at this instant.
    pub(super) fn run(&mut self, ctx: &mut Ctx<'_>) {
        self.processes.due(ctx.now);
        let mut polls = 0;
        while let Some(pid) = self.processes.ready.pop_front() {
            polls += 1;
            if polls > POLLS_MAX {
                let soon = ctx.now + core::time::Duration::from_micros(1);
                self.processes.set_timer(pid, soon);
                continue;
            }
            self.poll_process(ctx, pid);
        }
    }

    fn poll_process(&mut self, ctx: &mut Ctx<'_>, pid: Pid) {
        let Some(process) = self.processes.table.get_mut(&pid) else { return };
        if process.frozen {
            return;
        }
        let Some(mut program) = process.program.take() else { return };
        self.processes.clear_timer(pid);
        let mut sys = Sys::new(self, ctx, pid);
        let step = program.poll(&mut sys);
        let pid = sys.pid_now();
        let Some(process) = self.processes.table.get_mut(&pid) else { return };
        match (step, process.signal) {
            (Step::Exited(status), _) => self.end_process(ctx, pid, status),
            // It did not ask for the signal: the default is to die of it.
            (Step::Running, Some(signal)) => {
                self.end_process(ctx, pid, if signal == Signal::Int { 128 + 2 } else { 128 + 15 });
            }
            (Step::Running, None) => process.program = Some(program),
        }
    }

    /// Ends every process at once: the machine's plug is pulled.
    pub fn end_all(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(pid) =
            self.processes.table.iter().find(|(_, process)| process.exit.is_none()).map(|(pid, _)| *pid)
        {
            self.end_process(ctx, pid, 128 + 9);
        }
    }

    /// Ends a process: closes what it held, tells its parent.
    pub(super) fn end_process(&mut self, ctx: &mut Ctx<'_>, pid: Pid, status: i32) {
        self.processes.clear_timer(pid);
        if let Some(answers) = &mut self.hypervisor {
            answers.remove(&pid);
        }
        self.close_all_of(ctx, pid);
        for row in
            self.dhcp_clients.extract_if(.., |_, (owner, _)| *owner == pid).map(|(_, (_, row))| row).collect::<Vec<_>>()
        {
            ctx.del(Key::DhcpClient(row.key()));
        }
        let mut served = false;
        for (_, (_, row)) in self.dhcp_servers.extract_if(.., |_, (owner, _)| *owner == pid) {
            ctx.del(Key::DhcpServer(row.key()));
            served = true;
        }
        // Leases are in the file and outlive the server; what it had only offered goes with it.
        for (_, row) in self.leases.extract_if(.., |_, row| served && row.state == LeaseState::Offered) {
            ctx.del(Key::Lease(row.key()));
        }
        let Some(process) = self.processes.table.get_mut(&pid) else { return };
        process.program = None;
        process.exit = Some(status);
        let (ppid, job) = (process.ppid, process.job);
        ctx.del(Key::Process((self.node, pid)));
        self.orphan_children(ctx, pid);
        if let Some(job) = job
            && self.processes.jobs.get(&job) == Some(&pid)
        {
            self.processes.jobs.remove(&job);
            self.processes.table.remove(&pid);
            ctx.fact(Fact::JobEnded { node: self.node, job, status });
            return;
        }
        if self.processes.table.get(&ppid).is_some_and(|parent| parent.exit.is_none()) {
            self.processes.wake(ppid);
        } else {
            self.processes.table.remove(&pid);
        }
    }

    /// The children of a process that has ended are init's, which asks at once for the status of those that ended too.
    fn orphan_children(&mut self, ctx: &mut Ctx<'_>, parent: Pid) {
        let table = &mut self.processes.table;
        table.retain(|_, process| process.ppid != parent || process.exit.is_none());
        let mut alive = Vec::new();
        for (pid, child) in table.iter_mut().filter(|(_, process)| process.ppid == parent) {
            child.ppid = INIT;
            alive.push(*pid);
        }
        for row in alive.into_iter().filter_map(|pid| self.process_row(pid)) {
            ctx.put(Row::Process(row));
        }
    }

    pub(super) fn process_row(&self, pid: Pid) -> Option<ProcessRow> {
        let process = self.processes.table.get(&pid).filter(|process| process.exit.is_none())?;
        Some(ProcessRow { node: self.node, pid, ppid: process.ppid, job: process.job, argv: process.argv.clone() })
    }

    /// Whether a command line is still running here.
    pub fn busy(&self) -> bool {
        !self.processes.jobs.is_empty()
    }
}
