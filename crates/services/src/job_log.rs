//! Logs of jobs: appended to a file line by line, followed by any number of readers.
//!
//! The file outlives the server: a line that was half written when the server was killed is cut
//! off when the log is opened again, since nobody was shown it. Readers name the last line they
//! have and get what comes after it, so a cut connection loses and doubles nothing.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{ids::JobId, log::LogLine, time::Timestamp};
use tokio::sync::watch;

/// The logs of all jobs of an installation.
#[derive(Debug, Clone)]
pub struct JobLogs {
    folder: Arc<PathBuf>,
    live: Arc<Mutex<HashMap<JobId, watch::Sender<u64>>>>,
    /// Counts the logs that were opened for appending.
    opened: Arc<watch::Sender<u64>>,
}

/// Appends to the log of one job; readers are told of each line.
#[derive(Debug)]
pub struct LogWriter {
    file: Mutex<Growing>,
    written: watch::Sender<u64>,
    logs: JobLogs,
    job: JobId,
}

/// The most that is held back where the disk is full, in bytes.
const MOST_HELD: usize = 1024 * 1024;

/// A log's file, and the lines that the disk has no room for: what fills it is often the output of the
/// very step that says so, and goes with it.
#[derive(Debug)]
struct Growing {
    file: File,
    /// Length of the whole lines in it, in bytes.
    whole: u64,
    held: String,
}

/// Reads the log of one job from a line on, and on as it grows.
#[derive(Debug)]
pub struct LogReader {
    file: BufReader<File>,
    number: u64,
    partial: Vec<u8>,
}

impl JobLogs {
    /// The logs in `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: Arc::new(folder.to_path_buf()),
            live: Arc::default(),
            opened: Arc::new(watch::Sender::new(0)),
        })
    }

    /// The file of a job's log.
    #[must_use]
    pub fn path(&self, job: &JobId) -> PathBuf {
        self.folder.join(format!("{job}.log"))
    }

    /// Opens a job's log for appending, after its last whole line.
    ///
    /// # Errors
    /// Where the file cannot be opened, read or cut.
    pub fn writer(&self, job: &JobId) -> io::Result<LogWriter> {
        let path = self.path(job);
        let mut file =
            OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
        let (lines, whole) = count_whole_lines(&mut file)?;
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        let written = self.sender(job, lines);
        self.opened.send_modify(|opened| *opened += 1);
        let file = Mutex::new(Growing { file, whole, held: String::new() });
        Ok(LogWriter { file, written, logs: self.clone(), job: job.clone() })
    }

    /// Opens a job's log for reading what comes after line `after`; `None` where there is none yet.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn reader(&self, job: &JobId, after: u64) -> io::Result<Option<LogReader>> {
        let file = match File::open(self.path(job)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        LogReader::after(file, after).map(Some)
    }

    /// Removes a job's log, where it is one. Who reads it reads on.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn remove(&self, job: &JobId) -> io::Result<()> {
        match std::fs::remove_file(self.path(job)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The jobs whose logs are files here, with their lengths in bytes.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn files(&self) -> io::Result<Vec<(JobId, u64)>> {
        let mut files = Vec::new();
        for file in std::fs::read_dir(&*self.folder)? {
            let file = file?;
            let name = file.file_name();
            let job = name.to_str().and_then(|name| name.strip_suffix(".log"));
            // Somebody else's file, or one that was removed meanwhile.
            let (Some(job), Ok(known)) = (job, file.metadata()) else { continue };
            files.push((JobId(job.to_owned()), known.len()));
        }
        Ok(files)
    }

    /// Tells how many lines a running job has written; `None` where nobody writes to it.
    #[must_use]
    pub fn follow(&self, job: &JobId) -> Option<watch::Receiver<u64>> {
        self.live().get(job).map(watch::Sender::subscribe)
    }

    /// Tells when a log is opened for appending: for who finds that nobody writes to one yet.
    #[must_use]
    pub fn opened(&self) -> watch::Receiver<u64> {
        self.opened.subscribe()
    }

    fn sender(&self, job: &JobId, lines: u64) -> watch::Sender<u64> {
        let mut live = self.live();
        let sender = live.entry(job.clone()).or_insert_with(|| watch::Sender::new(lines));
        sender.send_replace(lines);
        sender.clone()
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, watch::Sender<u64>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogWriter {
    /// Appends one line of a step. Where the disk is full it waits until there is room for it.
    ///
    /// # Errors
    /// Where the file cannot be written, or too much waits.
    pub fn line(&self, at: Timestamp, step: &str, text: &str) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.held.push_str(&LogLine::to_record(at, step, text));
        match file.write_held() {
            Ok(written) => self.written.send_modify(|lines| *lines += written),
            Err(error)
                if error.kind() == io::ErrorKind::StorageFull && file.held.len() < MOST_HELD => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Growing {
    /// Writes all lines that wait, or none; gives how many.
    fn write_held(&mut self) -> io::Result<u64> {
        if let Err(error) = self.file.write_all(self.held.as_bytes()) {
            // Half a line would be the beginning of the next. Cutting it off needs no room.
            let _ = self.file.set_len(self.whole);
            self.file.seek(SeekFrom::Start(self.whole))?;
            return Err(error);
        }
        self.whole += self.held.len() as u64;
        let lines = self.held.matches('\n').count() as u64;
        self.held.clear();
        Ok(lines)
    }
}

impl Drop for LogWriter {
    /// Ends the followers: the log grows no more.
    fn drop(&mut self) {
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_held() {
            tracing::warn!(job = %self.job, %error, "the last lines of a log found no room");
        }
        self.logs.live().remove(&self.job);
    }
}

impl LogReader {
    /// Reads a log from `file`, from what comes after line `after` on.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn after(file: File, after: u64) -> io::Result<Self> {
        let mut reader = Self { file: BufReader::new(file), number: 0, partial: Vec::new() };
        while reader.number < after && reader.next_record()?.is_some() {}
        Ok(reader)
    }

    /// The next whole line; `None` where there is none yet.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<LogLine>> {
        while let Some(record) = self.next_record()? {
            if let Some(line) = LogLine::from_record(self.number, &record) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// All whole lines that are there, at the most `limit`.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn lines(&mut self, limit: usize) -> io::Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        while lines.len() < limit {
            match self.next_line()? {
                Some(line) => lines.push(line),
                None => break,
            }
        }
        Ok(lines)
    }

    fn next_record(&mut self) -> io::Result<Option<String>> {
        self.file.read_until(b'\n', &mut self.partial)?;
        if self.partial.last() != Some(&b'\n') {
            return Ok(None);
        }
        self.partial.pop();
        self.number += 1;
        let record = String::from_utf8_lossy(&self.partial).into_owned();
        self.partial.clear();
        Ok(Some(record))
    }
}

/// How many whole lines the file has, and how many bytes they take.
fn count_whole_lines(file: &mut File) -> io::Result<(u64, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; 64 * 1024];
    let (mut lines, mut whole, mut position) = (0, 0, 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((lines, whole));
        }
        for (offset, _) in buffer[..read].iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            lines += 1;
            whole = position + offset as u64 + 1;
        }
        position += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[LogLine]) -> Vec<(u64, &str)> {
        lines.iter().map(|line| (line.number, line.text.as_str())).collect()
    }

    #[test]
    fn who_came_before_the_first_line_learns_that_somebody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let logs = JobLogs::open(folder.path()).unwrap();
        let job = JobId::from("job");
        let opened = logs.opened();
        assert!(logs.follow(&job).is_none() && !opened.has_changed().unwrap());
        let _writer = logs.writer(&job).unwrap();
        assert!(logs.follow(&job).is_some() && opened.has_changed().unwrap());
    }

    #[test]
    fn a_reader_resumes_after_the_line_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let logs = JobLogs::open(folder.path()).unwrap();
        let job = JobId::from("job");
        assert!(logs.reader(&job, 0).unwrap().is_none());
        let writer = logs.writer(&job).unwrap();
        for text in ["a", "b", "c"] {
            writer.line(Timestamp(1), "step", text).unwrap();
        }
        let mut reader = logs.reader(&job, 1).unwrap().unwrap();
        assert_eq!(texts(&reader.lines(9).unwrap()), [(2, "b"), (3, "c")]);
        writer.line(Timestamp(1), "step", "d").unwrap();
        assert_eq!(texts(&reader.lines(9).unwrap()), [(4, "d")]);
        assert_eq!(*logs.follow(&job).unwrap().borrow(), 4);
        drop(writer);
        assert!(logs.follow(&job).is_none());
    }

    #[test]
    fn lines_wait_where_the_disk_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let logs = JobLogs::open(folder.path()).unwrap();
        let job = JobId::from("job");
        let writer = logs.writer(&job).unwrap();
        writer.line(Timestamp(1), "step", "a").unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let file = std::mem::replace(&mut writer.file.lock().unwrap().file, full);
        writer.line(Timestamp(1), "step", "b").unwrap();
        writer.line(Timestamp(1), "step", "c").unwrap();
        assert_eq!(*logs.follow(&job).unwrap().borrow(), 1);
        let endless = "d".repeat(MOST_HELD);
        let refused = writer.line(Timestamp(1), "step", &endless).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        writer.file.lock().unwrap().file = file;
        writer.line(Timestamp(1), "step", "e").unwrap();
        assert_eq!(*logs.follow(&job).unwrap().borrow(), 5);
        drop(writer);
        let lines = logs.reader(&job, 0).unwrap().unwrap().lines(9).unwrap();
        let expected = [(1, "a"), (2, "b"), (3, "c"), (4, &*endless), (5, "e")];
        assert_eq!(texts(&lines), expected);
    }

    #[test]
    fn a_half_written_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let logs = JobLogs::open(folder.path()).unwrap();
        let job = JobId::from("job");
        logs.writer(&job).unwrap().line(Timestamp(1), "step", "whole").unwrap();
        let mut file = OpenOptions::new().append(true).open(logs.path(&job)).unwrap();
        file.write_all(b"17\tstep\thal").unwrap();
        assert_eq!(
            texts(&logs.reader(&job, 0).unwrap().unwrap().lines(9).unwrap()),
            [(1, "whole")]
        );
        logs.writer(&job).unwrap().line(Timestamp(1), "step", "next").unwrap();
        let lines = logs.reader(&job, 0).unwrap().unwrap().lines(9).unwrap();
        assert_eq!(texts(&lines), [(1, "whole"), (2, "next")]);
    }
}
