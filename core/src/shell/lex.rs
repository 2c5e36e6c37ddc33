//! One command line to a list of commands: quoting, operators, comments, as bash(1) describes them under SHELL GRAMMAR.
//!
//! Owns what is a syntax error and its words. What bash has and this lab does not is refused by name, never guessed.
//! Values of variables are not looked up here ([`super::expand`]): `$?` changes while a line runs.

use crate::limits::COMMAND_LINE_CHARS_MAX;

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself. Quoted text is never split and never a keyword.
    Literal {
        /// The text.
        text: String,
        /// It was quoted.
        quoted: bool,
    },
    /// `$NAME`, `${NAME}` or `$?`.
    Variable {
        /// Its name, or `?`.
        name: String,
        /// It was within double quotes: its value is not split into words.
        quoted: bool,
    },
    /// `~` at the start of a word.
    Home,
}

/// A word before expansion.
pub type Word = Vec<Piece>;

/// Which result of the command before lets a command run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// `;`, a new line, or the line's beginning.
    Always,
    /// `&&`
    IfSucceeded,
    /// `||`
    IfFailed,
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`
    Read,
    /// `>` and `>|`
    Write,
    /// `>>`
    Append,
    /// `&>`
    Both,
    /// `&>>`
    AppendBoth,
    /// `>&`
    Duplicate,
}

impl RedirectKind {
    fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "<" => Self::Read,
            ">" | ">|" => Self::Write,
            ">>" => Self::Append,
            "&>" => Self::Both,
            "&>>" => Self::AppendBoth,
            ">&" => Self::Duplicate,
            _ => return None,
        })
    }
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The descriptor before the sign.
    pub fd: Option<u32>,
    /// What it does.
    pub kind: RedirectKind,
    /// The file, or the descriptor that is copied.
    pub target: Word,
}

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// When it runs.
    pub connector: Connector,
    /// `NAME=value` before the words.
    pub assignments: Vec<(String, Word)>,
    /// The command's name and its arguments.
    pub words: Vec<Word>,
    /// Where its streams lead, from left to right.
    pub redirects: Vec<Redirect>,
    /// The line it stands on, from 1.
    pub line: usize,
}

/// Why a line cannot run. [`SyntaxError::render`] words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxError {
    /// A token where none of its kind may stand.
    Unexpected {
        /// The token.
        token: String,
        /// Its line, from 1.
        line: usize,
        /// That line's text.
        text: String,
    },
    /// A quote that is never closed.
    Unclosed {
        /// The character that would close it.
        quote: char,
        /// The line it was opened on.
        line: usize,
    },
    /// The end, where a command must follow.
    End {
        /// The line after the last.
        line: usize,
    },
    /// Something that bash has and this lab does not.
    Missing {
        /// What it is called.
        what: &'static str,
        /// How it is written.
        sign: String,
    },
    /// Longer than a command line may be.
    TooLong,
}

impl SyntaxError {
    /// The message, without a final line feed, as `bash -c` prints it, or as an interactive bash does.
    pub fn render(&self, interactive: bool) -> String {
        let place = |line: &usize| if interactive { "bash: ".to_owned() } else { format!("bash: -c: line {line}: ") };
        match self {
            Self::Unexpected { token, line, text } => {
                let head = format!("{}syntax error near unexpected token `{token}'", place(line));
                if interactive { head } else { format!("{head}\n{}`{text}'", place(line)) }
            }
            Self::Unclosed { quote, line } => {
                format!("{}unexpected EOF while looking for matching `{quote}'", place(line))
            }
            Self::End { line } => format!("{}syntax error: unexpected end of file", place(line)),
            Self::Missing { what, sign } => {
                let (noun, verb) = what.rsplit_once(' ').unwrap_or((what, "are"));
                format!("bash: {noun} (\"{sign}\") {verb} not available in this lab")
            }
            Self::TooLong => format!("bash: the line is longer than {COMMAND_LINE_CHARS_MAX} characters"),
        }
    }
}

/// The list of commands in `line`.
///
/// # Errors
/// What bash would call a syntax error, and what this lab lacks.
pub fn parse(line: &str) -> Result<Vec<Command>, SyntaxError> {
    if line.chars().count() > COMMAND_LINE_CHARS_MAX {
        return Err(SyntaxError::TooLong);
    }
    Parser { lexer: Lexer { chars: line.chars().collect(), at: 0, line: 1 }, source: line }.list()
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(Word),
    Operator(&'static str),
    NewLine,
    End,
}

/// Longest first, so that `&&` is not read as two `&`.
const OPERATORS: &[&str] = &[
    ";;&", "<<<", "<<-", "&>>", "&&", "||", ";;", ";&", "|&", "&>", ">>", "<<", ">&", "<&", ">|", "<>", ";", "&", "|",
    "<", ">", "(", ")",
];

/// Words that begin what this lab does not have.
const KEYWORDS: &[(&str, &str)] = &[
    ("if", "conditions are"),
    ("while", "loops are"),
    ("until", "loops are"),
    ("for", "loops are"),
    ("select", "loops are"),
    ("case", "conditions are"),
    ("function", "functions are"),
    ("{", "groups are"),
    ("[[", "conditional expressions are"),
    ("!", "negation is"),
    ("time", "timing is"),
    ("coproc", "coprocesses are"),
];

/// Keywords that may not begin a command.
const CLOSING: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}", "in"];

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(' ' | '\t'), _) => self.at += 1,
                (Some('\\'), Some('\n')) => {
                    self.at += 2;
                    self.line += 1;
                }
                (Some('#'), _) => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn token(&mut self) -> Result<Token, SyntaxError> {
        self.skip_blanks();
        match self.peek(0) {
            None => return Ok(Token::End),
            Some('\n') => {
                self.at += 1;
                return Ok(Token::NewLine);
            }
            Some(_) => {}
        }
        if let Some(operator) = OPERATORS.iter().find(|operator| self.starts_with(operator)) {
            self.at += operator.chars().count();
            return Ok(Token::Operator(operator));
        }
        self.word().map(Token::Word)
    }

    fn word(&mut self) -> Result<Word, SyntaxError> {
        let mut word = Word::new();
        if self.peek(0) == Some('~') && self.peek(1).is_none_or(|c| c == '/' || " \t\n;&|<>()".contains(c)) {
            self.at += 1;
            word.push(Piece::Home);
        }
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    self.at += 1;
                    let text = self.single_quoted()?;
                    push(&mut word, &text, true);
                }
                '"' => {
                    self.at += 1;
                    self.double_quoted(&mut word)?;
                }
                '\\' => {
                    self.at += 1;
                    match self.bump() {
                        Some('\n') => self.line += 1,
                        Some(c) => push(&mut word, c.encode_utf8(&mut [0; 4]), true),
                        None => push(&mut word, "\\", true),
                    }
                }
                '`' => return Err(missing("command substitutions are", "`")),
                '$' => self.dollar(&mut word, false)?,
                c => {
                    self.at += 1;
                    push(&mut word, c.encode_utf8(&mut [0; 4]), false);
                }
            }
        }
        Ok(word)
    }

    fn single_quoted(&mut self) -> Result<String, SyntaxError> {
        let opened = self.line;
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(SyntaxError::Unclosed { quote: '\'', line: opened }),
                Some('\'') => return Ok(text),
                Some(c) => {
                    self.line += usize::from(c == '\n');
                    text.push(c);
                }
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Word) -> Result<(), SyntaxError> {
        let opened = self.line;
        push(word, "", true);
        loop {
            match self.peek(0) {
                None => return Err(SyntaxError::Unclosed { quote: '"', line: opened }),
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('$') => self.dollar(word, true)?,
                Some('`') => return Err(missing("command substitutions are", "`")),
                Some('\\') if self.peek(1) == Some('\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                Some('\\') => {
                    self.at += 1;
                    match self.peek(0) {
                        Some(c) if "\"\\$`".contains(c) => {
                            self.at += 1;
                            push(word, c.encode_utf8(&mut [0; 4]), true);
                        }
                        _ => push(word, "\\", true),
                    }
                }
                Some(c) => {
                    self.at += 1;
                    self.line += usize::from(c == '\n');
                    push(word, c.encode_utf8(&mut [0; 4]), true);
                }
            }
        }
    }

    /// What a `$` begins.
    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<(), SyntaxError> {
        self.at += 1;
        match self.peek(0) {
            Some('(') if self.peek(1) == Some('(') => return Err(missing("arithmetic is", "$((")),
            Some('(') => return Err(missing("command substitutions are", "$(")),
            Some('{') => {
                self.at += 1;
                let mut name = String::new();
                loop {
                    match self.bump() {
                        None => return Err(SyntaxError::Unclosed { quote: '}', line: self.line }),
                        Some('}') => break,
                        Some(c) => name.push(c),
                    }
                }
                if name != "?" && !is_name(&name) {
                    return Err(missing("parameter expansions are", &format!("${{{name}}}")));
                }
                word.push(Piece::Variable { name, quoted });
            }
            Some('\'' | '"') if !quoted => return Err(missing("ANSI-C quotes are", "$'")),
            Some('?') => {
                self.at += 1;
                word.push(Piece::Variable { name: "?".to_owned(), quoted });
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    self.at += 1;
                    name.push(c);
                }
                word.push(Piece::Variable { name, quoted });
            }
            Some(c) if c.is_ascii_digit() || "$!#@*-".contains(c) => {
                return Err(missing("this parameter is", &format!("${c}")));
            }
            _ => push(word, "$", true),
        }
        Ok(())
    }
}

fn missing(what: &'static str, sign: &str) -> SyntaxError {
    SyntaxError::Missing { what, sign: sign.to_owned() }
}

/// Adds literal text to a word, to its last piece when that is of the same kind.
fn push(word: &mut Word, more: &str, as_quoted: bool) {
    match word.last_mut() {
        Some(Piece::Literal { text, quoted }) if *quoted == as_quoted => text.push_str(more),
        _ => word.push(Piece::Literal { text: more.to_owned(), quoted: as_quoted }),
    }
}

/// Whether `text` may be a variable's name.
pub fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The word's text if nothing of it is quoted or expanded.
fn bare(word: &[Piece]) -> Option<&str> {
    match word {
        [Piece::Literal { text, quoted: false }] => Some(text),
        _ => None,
    }
}

struct Parser<'a> {
    lexer: Lexer,
    source: &'a str,
}

impl Parser<'_> {
    fn list(mut self) -> Result<Vec<Command>, SyntaxError> {
        let mut commands = Vec::new();
        let mut connector = Connector::Always;
        // After `&&` a command must come, new lines may stand before it; elsewhere it may be left out.
        let mut required = false;
        loop {
            let line = self.lexer.line;
            match self.lexer.token()? {
                Token::NewLine => {
                    self.lexer.line += 1;
                }
                Token::End if required => return Err(SyntaxError::End { line: self.lexer.line + 1 }),
                Token::End => return Ok(commands),
                Token::Operator(operator) if RedirectKind::of(operator).is_none() => {
                    return Err(self.operator(operator, line));
                }
                first => {
                    let (command, end) = self.command(first, connector, line)?;
                    commands.push(command);
                    (connector, required) = match end {
                        Token::Operator("&&") => (Connector::IfSucceeded, true),
                        Token::Operator("||") => (Connector::IfFailed, true),
                        Token::Operator(";") => (Connector::Always, false),
                        Token::NewLine => {
                            self.lexer.line += 1;
                            (Connector::Always, false)
                        }
                        Token::Operator(operator) => return Err(self.operator(operator, self.lexer.line)),
                        Token::End | Token::Word(_) => return Ok(commands),
                    };
                }
            }
        }
    }

    /// One simple command whose first token was read; with it the token that ended it.
    fn command(&mut self, first: Token, connector: Connector, line: usize) -> Result<(Command, Token), SyntaxError> {
        let (assignments, words, redirects) = (Vec::new(), Vec::new(), Vec::new());
        let mut command = Command { connector, assignments, words, redirects, line };
        if let Token::Word(word) = &first
            && let Some(text) = bare(word)
        {
            if let Some((sign, what)) = KEYWORDS.iter().find(|(sign, _)| *sign == text) {
                return Err(missing(what, sign));
            }
            if CLOSING.contains(&text) && text != "in" {
                return Err(self.unexpected(text, line));
            }
        }
        let mut token = first;
        loop {
            match token {
                Token::Word(word) => {
                    if let Some(sign) = brace_expansion(&word) {
                        return Err(missing("brace expansions are", &sign));
                    }
                    let before_sign = matches!(self.lexer.peek(0), Some('<' | '>'));
                    let fd = bare(&word).and_then(|text| text.parse().ok()).filter(|_| before_sign);
                    match (fd, command.words.is_empty().then(|| assignment(&word)).flatten()) {
                        (Some(fd), _) => {
                            let sign = self.lexer.token()?;
                            if let Token::Operator(operator) = sign {
                                self.redirect(&mut command, operator, Some(fd))?;
                            }
                        }
                        (None, Some(pair)) => command.assignments.push(pair),
                        (None, None) => command.words.push(word),
                    }
                }
                Token::Operator(operator) if RedirectKind::of(operator).is_some() => {
                    self.redirect(&mut command, operator, None)?;
                }
                end => return Ok((command, end)),
            }
            token = self.lexer.token()?;
        }
    }

    /// A redirection whose sign was read.
    fn redirect(&mut self, command: &mut Command, sign: &'static str, fd: Option<u32>) -> Result<(), SyntaxError> {
        let Some(kind) = RedirectKind::of(sign) else { return Err(missing("redirections are", sign)) };
        let line = self.lexer.line;
        match self.lexer.token()? {
            Token::Word(target) => command.redirects.push(Redirect { fd, kind, target }),
            Token::Operator(operator) => return Err(self.unexpected(operator, line)),
            Token::NewLine | Token::End => return Err(self.unexpected("newline", line)),
        }
        Ok(())
    }

    /// The error for an operator that cannot stand here, or that this lab lacks.
    fn operator(&mut self, operator: &'static str, line: usize) -> SyntaxError {
        match operator {
            "|" | "|&" if self.a_command_was_before() => missing("pipes are", operator),
            "&" if self.a_command_was_before() => missing("background jobs are", "&"),
            "(" if !self.a_command_was_before() => missing("subshells are", "("),
            "<<" | "<<<" | "<<-" => missing("here documents are", operator),
            "<&" | "<>" => missing("redirections are", operator),
            "(" => match self.lexer.token() {
                Ok(Token::Operator(")")) => missing("functions are", "()"),
                Ok(Token::Word(word)) => self.unexpected(bare(&word).unwrap_or("newline"), line),
                _ => self.unexpected("newline", line),
            },
            _ => self.unexpected(operator, line),
        }
    }

    /// Whether the text before the last operator ends with a word.
    fn a_command_was_before(&self) -> bool {
        let before: String = self.lexer.chars.iter().take(self.lexer.at).collect();
        let before = before.trim_end_matches(|c: char| ";&|()".contains(c));
        let trimmed = before.trim_end();
        !trimmed.is_empty() && !trimmed.ends_with([';', '&', '|', '('])
    }

    fn unexpected(&self, token: &str, line: usize) -> SyntaxError {
        let text = self.source.lines().nth(line - 1).unwrap_or("").to_owned();
        SyntaxError::Unexpected { token: token.to_owned(), line, text }
    }
}

/// `NAME=value`, taken apart.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Piece::Literal { text, quoted: false }) = word.first() else { return None };
    let (name, value) = text.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut rest: Word = word.get(1..)?.to_vec();
    if !value.is_empty() {
        rest.insert(0, Piece::Literal { text: value.to_owned(), quoted: false });
    }
    Some((name.to_owned(), rest))
}

/// `{a,b}` or `{1..3}` in unquoted text, which bash would multiply.
fn brace_expansion(word: &[Piece]) -> Option<String> {
    word.iter().find_map(|piece| {
        let Piece::Literal { text, quoted: false } = piece else { return None };
        let open = text.find('{')?;
        let inner = &text[open..];
        let close = inner.find('}')?;
        let inside = inner.get(1..close)?;
        (inside.contains(',') || inside.contains("..")).then(|| inner[..=close].to_owned())
    })
}

#[cfg(test)]
#[path = "lex_tests.rs"]
mod tests;
