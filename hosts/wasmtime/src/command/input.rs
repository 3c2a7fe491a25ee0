//! Files of notifications: one per line, plain or compressed with gzip.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use flate2::bufread::MultiGzDecoder;
use indicatif::ProgressBar;

use super::{Failure, escape};

/// The length of the longest line that is read, in MiB. A longer line is skipped, so that it does not fill the memory.
const LONGEST_LINE: u64 = 16;

/// The size of the buffers, in bytes.
const BUFFER: usize = 1 << 16;

/// The first bytes of a file that is compressed with gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

const STANDARD_INPUT: &str = "-";

#[derive(Args, Debug)]
pub struct Files {
    /// The files of notifications, one per line, plain or compressed with gzip; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// A line that is not blank.
pub struct Line<'a> {
    pub file: &'a str,
    pub number: u64,
    /// The text, or why it cannot be read.
    pub text: Result<&'a str, String>,
}

impl Files {
    /// Checks that the files can be opened, before the first of them is read.
    pub fn check(&self) -> Result<(), Failure> {
        if self.files.iter().filter(|file| is_standard_input(file)).count() > 1 {
            return Err(Failure::BadInput("give `-` only once: standard input is read once".into()));
        }
        for file in self.files.iter().filter(|file| !is_standard_input(file)) {
            let openable = fs::metadata(file).and_then(|metadata| {
                if metadata.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                // The writer of a pipe would stop when the pipe is closed again.
                if metadata.is_file() { File::open(file).map(drop) } else { Ok(()) }
            });
            openable.map_err(|error| Failure::BadInput(cannot_read(&name(file), &error)))?;
        }
        Ok(())
    }

    /// Calls `handle` with each line that is not blank. The bar counts the bytes of the files.
    pub fn read(
        &self,
        bar: &ProgressBar,
        mut handle: impl FnMut(Line<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for file in &self.files {
            let name = name(file);
            bar.set_message(escape(&name));
            let failed = |error| Failure::HostFailed(cannot_read(&name, &error));
            let mut lines = Lines::new(open(file, bar).map_err(failed)?);
            while let Some((number, text)) = lines.next().map_err(failed)? {
                handle(Line { file: &name, number, text })?;
            }
        }
        Ok(())
    }

    /// Returns the size of all files, in bytes; `None` if one of them is not a regular file.
    pub fn size(&self) -> Option<u64> {
        let size =
            |file: &PathBuf| fs::metadata(file).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len());
        self.files.iter().map(size).sum()
    }
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == STANDARD_INPUT
}

fn name(file: &Path) -> String {
    if is_standard_input(file) { "standard input".into() } else { file.to_string_lossy().into_owned() }
}

fn cannot_read(name: &str, error: &io::Error) -> String {
    format!("cannot read `{name}`: {error}")
}

fn open(file: &Path, bar: &ProgressBar) -> io::Result<Box<dyn BufRead>> {
    let bytes: Box<dyn Read> =
        if is_standard_input(file) { Box::new(io::stdin().lock()) } else { Box::new(File::open(file)?) };
    let mut reader = BufReader::with_capacity(BUFFER, bar.wrap_read(bytes));
    // One read of a pipe can return one byte.
    let mut first = Vec::new();
    reader.by_ref().take(2).read_to_end(&mut first)?;
    let is_compressed = first == GZIP;
    let reader = Cursor::new(first).chain(reader);
    if is_compressed {
        Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(reader))))
    } else {
        Ok(Box::new(reader))
    }
}

struct Lines {
    reader: Box<dyn BufRead>,
    buffer: Vec<u8>,
    number: u64,
}

impl Lines {
    fn new(reader: Box<dyn BufRead>) -> Self {
        Self { reader, buffer: Vec::new(), number: 0 }
    }

    /// Returns the next line that is not blank, and its number.
    fn next(&mut self) -> io::Result<Option<(u64, Result<&str, String>)>> {
        loop {
            self.buffer.clear();
            let longest = LONGEST_LINE << 20;
            if self.reader.by_ref().take(longest).read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_cut = !self.buffer.ends_with(b"\n") && self.buffer.len() as u64 == longest;
            if is_cut {
                self.reader.skip_until(b'\n')?;
                return Ok(Some((self.number, Err(format!("the line is longer than {LONGEST_LINE} MiB")))));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let text = str::from_utf8(self.buffer.trim_ascii());
        Ok(Some((self.number, text.map_err(|_| "the line is not UTF-8 text".to_owned()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: impl Into<Vec<u8>>) -> Vec<(u64, Result<String, String>)> {
        let mut lines = Lines::new(Box::new(Cursor::new(text.into())));
        let mut found = Vec::new();
        while let Some((number, text)) = lines.next().expect("a line") {
            found.push((number, text.map(ToOwned::to_owned)));
        }
        found
    }

    #[test]
    fn counts_blank_lines_and_skips_them() {
        let expected = [(1, Ok("{}".to_owned())), (3, Ok("[]".to_owned())), (4, Ok("1".to_owned()))];
        assert_eq!(lines("{}\r\n \n[]\n1"), expected);
        assert!(lines("\n\n").is_empty());
    }

    #[test]
    fn reports_lines_that_are_not_text_or_too_long_and_continues() {
        let not_text = Err("the line is not UTF-8 text".to_owned());
        assert_eq!(lines(b"\xff\n{}\n"), [(1, not_text), (2, Ok("{}".to_owned()))]);
        let longest = usize::try_from(LONGEST_LINE << 20).expect("a length");
        let too_long = Err("the line is longer than 16 MiB".to_owned());
        let text = format!("{}\n1\n", "x".repeat(longest));
        assert_eq!(lines(text), [(1, too_long), (2, Ok("1".to_owned()))]);
        let text = format!("{}\n1\n", "x".repeat(longest - 1));
        assert_eq!(lines(text).len(), 2);
    }
}
