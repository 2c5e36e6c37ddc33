//! Where the bytes go that a process writes: to its job's reader, or into this machine's files.

use super::Machine;
use super::ctx::Ctx;
use super::syscall::PROC_SYS;
use crate::event::{Fact, Output, Span, Stream};
use crate::id::Pid;
use crate::programs::{Errno, Sink};

impl Machine {
    /// Writes to a standard stream of a process. A failure is kept for the program to ask for.
    pub(super) fn write_stream(&mut self, ctx: &mut Ctx<'_>, pid: Pid, stream: Stream, spans: Vec<Span>) {
        let node = self.node;
        let Some(process) = self.processes.table.get(&pid).filter(|_| !spans.is_empty()) else { return };
        let text = |spans: Vec<Span>| spans.into_iter().map(|span| span.text).collect::<String>();
        let written = match process.stdio.sink(stream).clone() {
            Sink::Job(stream) => {
                if let Some(job) = process.job {
                    ctx.fact(Fact::Output(Output { node, job, pid, stream, spans }));
                }
                Ok(())
            }
            Sink::File(path) => match path.strip_prefix(PROC_SYS) {
                Some(setting) => self.sysctl_write(ctx, setting, &text(spans)),
                None => self.append_to_file(&path, &text(spans)),
            },
            Sink::Null => Ok(()),
            Sink::Full => Err(Errno::ENOSPC),
            Sink::Closed => Err(Errno::EBADF),
        };
        if let (Err(errno), Some(process)) = (written, self.processes.table.get_mut(&pid)) {
            process.write_error = Some(errno);
        }
    }

    /// Puts a text in place of a file's.
    ///
    /// # Errors
    /// `EACCES` below /proc, `ENOSPC`.
    pub(super) fn replace_file(&mut self, path: &str, text: String) -> Result<(), Errno> {
        self.may_hold(path, text.len())?;
        self.files.write(path, text);
        Ok(())
    }

    /// Writes at a file's end.
    ///
    /// # Errors
    /// As [`Machine::replace_file`].
    pub(super) fn append_to_file(&mut self, path: &str, text: &str) -> Result<(), Errno> {
        self.may_hold(path, self.files.read(path).map_or(0, str::len) + text.len())?;
        self.files.append(path, text);
        Ok(())
    }

    fn may_hold(&self, path: &str, len: usize) -> Result<(), Errno> {
        match () {
            () if path.starts_with("/proc/") => Err(Errno::EACCES),
            () if self.files.fits(path, len) => Ok(()),
            () => Err(Errno::ENOSPC),
        }
    }
}
