//! Child processes that die with the server.
//!
//! A server that is killed can clean nothing up, so the kernel must: every child asks for a
//! `SIGKILL` when its parent dies (`PR_SET_PDEATHSIG`, prctl(2)). Setting that between fork and
//! exec is unsafe code in Rust, so `setpriv --pdeathsig` (util-linux) sets it for us. The signal
//! follows the *thread* that made the child, so all children are made by one thread that ends
//! only with the program: [`Spawner`].
//!
//! Children get a clean environment and a process group of their own, so that ending one ends what
//! it started as well.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use thiserror::Error;

/// Goes on as the program where the parent still is the server. A server that was killed between
/// the fork and `setpriv` left no signal behind: that child would be nobody's, and run for ever.
const UNLESS_ORPHANED: &str = r#"test "$PPID" = "$0" && exec "$@""#;

/// A child could not be started or waited for.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The thread that starts children cannot be made.
    #[error("cannot start the thread that starts child processes: {0}")]
    Thread(#[source] io::Error),
    /// The program cannot be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// What was to be started.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The thread that starts children is gone: the program is ending.
    #[error("the program is ending")]
    Ending,
    /// A child could not be waited for.
    #[error("cannot wait for {program}: {source}")]
    Wait {
        /// What was started.
        program: String,
        /// Why not.
        source: io::Error,
    },
}

/// What is to be started.
#[derive(Debug, Clone)]
pub struct Invocation {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Input,
}

/// What a child reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Nothing,
    Pipe,
}

/// Starts children that die with this program; cheap to clone.
#[derive(Debug, Clone)]
pub struct Spawner {
    requests: mpsc::Sender<Request>,
}

struct Request {
    command: Command,
    answer: mpsc::Sender<io::Result<Child>>,
}

/// A child with pipes for its output (and its input, where asked for). Dropped, it is ended.
#[derive(Debug)]
pub struct Running {
    program: String,
    /// The child; its `stdout` and `stderr` are pipes for the caller to take.
    pub child: Child,
    ended: bool,
}

impl Invocation {
    /// `program`, looked up in the usual folders.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            stdin: Input::Nothing,
        }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|it| it.as_ref().to_owned()));
        self
    }

    /// With a variable in its otherwise clean environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// With a pipe to write to its standard input.
    #[must_use]
    pub const fn with_stdin(mut self) -> Self {
        self.stdin = Input::Pipe;
        self
    }

    fn name(&self) -> String {
        Path::new(&self.program).file_name().unwrap_or(&self.program).to_string_lossy().into_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--", "sh", "-c", UNLESS_ORPHANED])
            .arg(std::process::id().to_string())
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(if self.stdin == Input::Pipe { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Spawner {
    /// Starts the thread that starts children.
    ///
    /// # Errors
    /// Where the system makes no more threads.
    pub fn start() -> Result<Self, ProcessError> {
        let (requests, received) = mpsc::channel::<Request>();
        thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                for mut request in received {
                    // An error means that the caller has gone; then the child goes as well.
                    let _ = request.answer.send(request.command.spawn());
                }
            })
            .map_err(ProcessError::Thread)?;
        Ok(Self { requests })
    }

    /// Starts a child.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn spawn(&self, invocation: &Invocation) -> Result<Running, ProcessError> {
        let program = invocation.name();
        let (answer, answered) = mpsc::channel();
        let request = Request { command: invocation.command(), answer };
        self.requests.send(request).map_err(|_| ProcessError::Ending)?;
        let child = answered
            .recv()
            .map_err(|_| ProcessError::Ending)?
            .map_err(|source| ProcessError::Start { program: program.clone(), source })?;
        Ok(Running { program, child, ended: false })
    }

    /// Runs a child to its end and gives what it wrote: for short questions to tools.
    ///
    /// # Errors
    /// Where it cannot be started or waited for.
    pub fn output(&self, invocation: &Invocation) -> Result<std::process::Output, ProcessError> {
        let mut running = self.spawn(invocation)?;
        let stderr = running.child.stderr.take();
        let errors = thread::spawn(move || read_all(stderr));
        let stdout = read_all(running.child.stdout.take());
        let status = running.wait()?;
        let stderr = errors.join().unwrap_or_default();
        Ok(std::process::Output { status, stdout, stderr })
    }
}

fn read_all(source: Option<impl io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut source) = source {
        // What was read before an error is still worth showing.
        let _ = source.read_to_end(&mut bytes);
    }
    bytes
}

impl Running {
    /// The process id, which is its process group as well.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the child to end.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub fn wait(&mut self) -> Result<ExitStatus, ProcessError> {
        let status = self.child.wait().map_err(|source| self.wait_error(source))?;
        self.ended = true;
        Ok(status)
    }

    /// How the child ended, where it has.
    ///
    /// # Errors
    /// Where the system does not let us ask.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        let status = self.child.try_wait().map_err(|source| self.wait_error(source))?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Ends the child and its process group at once, and waits for it.
    pub fn kill(&mut self) {
        if self.ended {
            return;
        }
        if let Ok(id) = i32::try_from(self.child.id()) {
            // An error means that it ended by itself just now.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.wait();
    }

    fn wait_error(&self, source: io::Error) -> ProcessError {
        ProcessError::Wait { program: self.program.clone(), source }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_status_come_back_and_the_environment_is_clean() {
        let spawner = Spawner::start().unwrap();
        let shell = Invocation::new("sh").args(["-c", "env; exit 3"]).env("GREETING", "hello");
        let output = spawner.output(&shell).unwrap();
        assert_eq!(output.status.code(), Some(3));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("GREETING=hello"), "{text}");
        assert!(!text.contains("HOME="), "{text}");
    }

    #[test]
    fn a_dropped_child_takes_its_own_children_along() {
        let spawner = Spawner::start().unwrap();
        let script = "sleep 1000 & echo $!; wait";
        let mut running = spawner.spawn(&Invocation::new("sh").args(["-c", script])).unwrap();
        let mut line = String::new();
        let mut output = io::BufReader::new(running.child.stdout.take().unwrap());
        io::BufRead::read_line(&mut output, &mut line).unwrap();
        drop(running);
        // The pipe closes when the last process that holds it has ended.
        io::Read::read_to_end(&mut output, &mut Vec::new()).unwrap();
    }

    #[test]
    fn a_child_that_is_an_orphan_from_the_first_does_not_begin() {
        let command = Invocation::new("echo").arg("began").command();
        let by_another = |script| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
            String::from_utf8(shell.output().unwrap().stdout).unwrap()
        };
        assert_eq!(by_another("exec \"$@\""), "began\n");
        assert_eq!(by_another("\"$@\" & wait"), "");
    }

    #[test]
    fn a_missing_program_is_named() {
        let spawner = Spawner::start().unwrap();
        let output = spawner.output(&Invocation::new("no-such-program")).unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-program"));
    }
}
