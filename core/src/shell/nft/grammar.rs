//! Commands of nft: `add rule …`, `list ruleset`, `table … { … }`.

use super::ast::{At, ChainBody, ChainName, Command, Draft, Error, Name, Span, Statement, TableName};
use super::lex::{Kind, Token, is_keyword};
use super::parse::{Parsed, Parser};
use super::rule::rule;
use crate::netfilter::model::{Base, ChainKind, Family, Hook, Policy};

const ENDS: &str = "end of file or newline or semicolon";
/// Errors after which nft gives up.
const ERRORS_MAX: usize = 10;

/// Reads all commands; the syntax errors, if there are any.
pub(super) fn statements(parser: &mut Parser<'_>) -> Result<Vec<Statement>, Vec<Error>> {
    let (mut statements, mut errors) = (Vec::new(), Vec::new());
    while parser.peek().kind != Kind::End && errors.len() < ERRORS_MAX {
        if parser.peek().kind == Kind::Newline || parser.peek().is(";") {
            parser.at += 1;
            continue;
        }
        let start = parser.peek().at.start;
        let read = command(parser);
        errors.append(&mut parser.errors);
        match read {
            Ok(command) => {
                // A command reaches to the end of what ends it.
                let at = start..parser.peek().at.end;
                statements.push(Statement { command, at, wrong: parser.wrong.take() });
            }
            Err(error) => {
                parser.recover(error);
                errors.append(&mut parser.errors);
            }
        }
    }
    if errors.is_empty() { Ok(statements) } else { Err(errors) }
}

fn command(parser: &mut Parser<'_>) -> Parsed<Command> {
    let token = parser.peek();
    if token.kind != Kind::Word {
        return Err(parser.unexpected(""));
    }
    let command = match token.text.as_str() {
        "add" | "create" => {
            parser.at += 1;
            add(parser, token.text == "create")
        }
        "insert" | "replace" => {
            parser.at += 1;
            parser.need_word("rule")?;
            if token.text == "insert" { add_rule(parser, true) } else { replace_rule(parser) }
        }
        "delete" => {
            parser.at += 1;
            delete(parser)
        }
        "list" => {
            parser.at += 1;
            list(parser)
        }
        "flush" => {
            parser.at += 1;
            flush(parser)
        }
        "rename" => {
            parser.at += 1;
            parser.need_word("chain")?;
            let chain = chain_name(parser)?;
            let new = parser.name("string")?;
            Ok(Command::RenameChain(chain, named(new)))
        }
        "define" => {
            parser.at += 1;
            define(parser)
        }
        "table" => {
            parser.at += 1;
            add_table(parser, false)
        }
        "chain" => {
            parser.at += 1;
            add_chain(parser, false)
        }
        "rule" => {
            parser.at += 1;
            add_rule(parser, false)
        }
        "describe" | "monitor" | "export" | "import" | "reset" | "get" | "include" | "undefine" | "redefine"
        | "set" | "map" | "element" | "flowtable" | "counter" | "quota" | "ct" | "limit" | "secmark" | "synproxy" => {
            absent(parser);
            Ok(Command::Nothing)
        }
        "ip" | "ip6" | "inet" | "bridge" | "arp" | "netdev" => add_rule(parser, false),
        word if is_keyword(word) => Err(parser.unexpected("")),
        _ => add_rule(parser, false),
    }?;
    let token = parser.peek();
    if !matches!(token.kind, Kind::Newline | Kind::End) && !token.is(";") && !token.is("}") {
        return Err(parser.unexpected(ENDS));
    }
    Ok(command)
}

/// Passes over what this lab has not.
fn absent(parser: &mut Parser<'_>) {
    let start = parser.peek().at.start;
    let mut depth = 0_usize;
    loop {
        let token = parser.peek();
        let ends = matches!(token.kind, Kind::Newline) || token.is(";");
        if token.kind == Kind::End || (ends && depth == 0) {
            break;
        }
        depth += usize::from(token.is("{"));
        depth = depth.saturating_sub(usize::from(token.is("}")));
        parser.at += 1;
    }
    let at = start..parser.end_before();
    parser.absent("that command", at);
}

fn named(token: &Token) -> Name {
    Name { text: token.text.clone(), at: token.at.clone() }
}

fn table_name(parser: &mut Parser<'_>) -> Parsed<TableName> {
    let family = parser.family()?.unwrap_or(Family::Ip);
    let name = parser.name("string")?;
    Ok(TableName { family, name: named(name) })
}

fn chain_name(parser: &mut Parser<'_>) -> Parsed<ChainName> {
    let table = table_name(parser)?;
    let name = parser.name("string")?;
    Ok(ChainName { table, name: named(name) })
}

fn add(parser: &mut Parser<'_>, create: bool) -> Parsed<Command> {
    let token = parser.peek();
    match token.text.as_str() {
        "table" => {
            parser.at += 1;
            add_table(parser, create)
        }
        "chain" => {
            parser.at += 1;
            add_chain(parser, create)
        }
        "rule" if !create => {
            parser.at += 1;
            add_rule(parser, false)
        }
        "set" | "map" | "element" | "flowtable" | "counter" | "quota" | "ct" | "limit" | "secmark" | "synproxy" => {
            absent(parser);
            Ok(Command::Nothing)
        }
        _ if create => Err(parser.unexpected("")),
        _ => add_rule(parser, false),
    }
}

fn add_table(parser: &mut Parser<'_>, create: bool) -> Parsed<Command> {
    let table = table_name(parser)?;
    let mut chains = Vec::new();
    if parser.sign("{") {
        loop {
            let token = parser.peek();
            if token.kind == Kind::Newline || token.is(";") {
                parser.at += 1;
            } else if parser.sign("}") {
                break;
            } else if parser.word("chain") {
                let name = named(parser.name("string")?);
                parser.need("{", "'{'")?;
                let body = chain_body(parser, table.family, true)?;
                chains.push((name, body));
            } else if token.kind == Kind::End {
                return Err(end_of_file(parser));
            } else if matches!(token.text.as_str(), "set" | "map" | "flowtable" | "counter" | "quota" | "limit" | "ct")
            {
                absent(parser);
            } else {
                let error = parser.unexpected("");
                parser.recover(error);
            }
        }
    }
    Ok(Command::AddTable { table, create, chains })
}

/// The text ended too early; nft points at the beginning of its last line.
fn end_of_file(parser: &Parser<'_>) -> Error {
    let mut error = parser.unexpected("");
    error.also = None;
    error.at = usize::MAX..usize::MAX;
    error
}

fn add_chain(parser: &mut Parser<'_>, create: bool) -> Parsed<Command> {
    let chain = chain_name(parser)?;
    let family = chain.table.family;
    let body = if parser.sign("{") { chain_body(parser, family, false)? } else { ChainBody::default() };
    Ok(Command::AddChain { chain, create, body })
}

/// What stands between a chain's braces; the first is taken. `rules`: rules may stand there too.
fn chain_body(parser: &mut Parser<'_>, family: Family, rules: bool) -> Parsed<ChainBody> {
    let mut body = ChainBody::default();
    loop {
        let token = parser.peek();
        if token.kind == Kind::Newline || token.is(";") {
            parser.at += 1;
        } else if parser.sign("}") {
            return Ok(body);
        } else if token.kind == Kind::End {
            return Err(end_of_file(parser));
        } else if let Err(error) = chain_part(parser, family, rules, &mut body) {
            parser.recover(error);
        }
    }
}

/// One part of a chain's block.
fn chain_part(parser: &mut Parser<'_>, family: Family, rules: bool, body: &mut ChainBody) -> Parsed<()> {
    let token = parser.peek();
    match token.text.as_str() {
        "type" if token.kind == Kind::Word => {
            parser.at += 1;
            body.base = hook(parser, family)?;
            separator(parser)
        }
        "policy" if token.kind == Kind::Word => {
            parser.at += 1;
            let policy = policy(parser)?;
            body.policy = Some((policy, token.at.start..parser.end_before()));
            separator(parser)
        }
        "comment" if token.kind == Kind::Word => {
            parser.absent("a comment of a chain", token.at.clone());
            parser.at += 2;
            Ok(())
        }
        _ if rules => {
            let draft = rule(parser, family)?;
            body.rules.push((draft, token.at.start..parser.end_before()));
            Ok(())
        }
        _ => Err(parser.unexpected("")),
    }
}

/// Behind `type …` and `policy …`.
fn separator(parser: &mut Parser<'_>) -> Parsed<()> {
    let token = parser.peek();
    if token.is(";") || token.kind == Kind::Newline {
        parser.at += 1;
        return Ok(());
    }
    Err(parser.unexpected("newline or semicolon"))
}

fn policy(parser: &mut Parser<'_>) -> Parsed<Policy> {
    if parser.word("accept") {
        Ok(Policy::Accept)
    } else if parser.word("drop") {
        Ok(Policy::Drop)
    } else {
        Err(parser.unexpected("accept or drop or '$'"))
    }
}

fn hook(parser: &mut Parser<'_>, family: Family) -> Parsed<Option<Base>> {
    let token = parser.name("string")?;
    let kind = match token.text.as_str() {
        "filter" => Some(ChainKind::Filter),
        "nat" => Some(ChainKind::Nat),
        "route" => Some(ChainKind::Route),
        _ => {
            parser.mistake(Error::new("unknown chain type", token.at.clone()));
            None
        }
    };
    parser.need_word("hook")?;
    let token = parser.name("string")?;
    let hook = match token.text.as_str() {
        "prerouting" => Some(Hook::Prerouting),
        "input" => Some(Hook::Input),
        "forward" => Some(Hook::Forward),
        "output" => Some(Hook::Output),
        "postrouting" => Some(Hook::Postrouting),
        "ingress" | "egress" => {
            parser.absent(&token.text, token.at.clone());
            None
        }
        _ => {
            parser.mistake(Error::new("unknown chain hook", token.at.clone()));
            None
        }
    };
    let start = parser.peek().at.start;
    parser.need_word("priority")?;
    let priority = priority(parser, family, hook, start)?;
    Ok(match (kind, hook) {
        (Some(kind), Some(hook)) => Some(Base { kind, hook, priority, policy: Policy::Accept }),
        _ => None,
    })
}

/// Names of priorities: name, value, hook if only there (nft's src/rule.c `std_prios`, `bridge_std_prios`).
pub(super) fn priorities(family: Family) -> &'static [(&'static str, i32, Option<Hook>)] {
    if family == Family::Bridge {
        &[
            ("dstnat", -300, Some(Hook::Prerouting)),
            ("filter", -200, None),
            ("out", 100, Some(Hook::Output)),
            ("srcnat", 300, Some(Hook::Postrouting)),
        ]
    } else {
        &[
            ("raw", -300, None),
            ("mangle", -150, None),
            ("dstnat", -100, Some(Hook::Prerouting)),
            ("filter", 0, None),
            ("security", 50, None),
            ("srcnat", 100, Some(Hook::Postrouting)),
        ]
    }
}

fn priority(parser: &mut Parser<'_>, family: Family, hook: Option<Hook>, start: usize) -> Parsed<i32> {
    let sign = |parser: &mut Parser<'_>| {
        if parser.sign("-") { Some(-1) } else { parser.sign("+").then_some(1) }
    };
    let token = parser.peek();
    let base = if token.kind == Kind::Word && !is_keyword(&token.text) {
        parser.at += 1;
        let found = priorities(family)
            .iter()
            .find(|(name, _, only)| *name == token.text && (only.is_none() || hook.is_none() || *only == hook));
        if found.is_none() {
            let at = start..token.at.end;
            parser.mistake(Error::new("invalid priority expression value in this context.", at));
        }
        let Some(sign) = sign(parser) else { return Ok(found.map_or(0, |(_, value, _)| *value)) };
        let more = i64::try_from(parser.number()?.0).unwrap_or(0) * sign;
        i64::from(found.map_or(0, |(_, value, _)| *value)) + more
    } else {
        let sign = sign(parser).unwrap_or(1);
        i64::try_from(parser.number()?.0).unwrap_or(i64::MAX / 2) * sign
    };
    Ok(i32::try_from(base).unwrap_or(i32::MAX))
}

fn place(parser: &mut Parser<'_>) -> Parsed<At> {
    let token = parser.peek();
    if parser.word("position") || parser.word("handle") {
        let (handle, at) = parser.number()?;
        return Ok(At::Handle(handle, at));
    }
    if parser.word("index") {
        let (index, number) = parser.number()?;
        return Ok(At::Index(usize::try_from(index).unwrap_or(usize::MAX), token.at.start..number.end));
    }
    Ok(At::End)
}

fn add_rule(parser: &mut Parser<'_>, insert: bool) -> Parsed<Command> {
    let chain = chain_name(parser)?;
    let at = place(parser)?;
    let draft = rule(parser, chain.table.family)?;
    Ok(Command::AddRule { chain, at, insert, draft })
}

fn handle(parser: &mut Parser<'_>) -> Parsed<(u64, Span)> {
    parser.need_word("handle")?;
    parser.number()
}

fn replace_rule(parser: &mut Parser<'_>) -> Parsed<Command> {
    let chain = chain_name(parser)?;
    let handle = handle(parser)?;
    let draft: Draft = rule(parser, chain.table.family)?;
    Ok(Command::ReplaceRule { chain, handle, draft })
}

fn delete(parser: &mut Parser<'_>) -> Parsed<Command> {
    if parser.word("table") {
        let family = parser.family()?;
        if parser.word("handle") {
            let (handle, at) = parser.number()?;
            return Ok(Command::DeleteTable(None, Some((family.unwrap_or(Family::Ip), handle, at))));
        }
        let name = parser.name("handle or string")?;
        let table = TableName { family: family.unwrap_or(Family::Ip), name: named(name) };
        return Ok(Command::DeleteTable(Some(table), None));
    }
    if parser.word("chain") {
        let table = table_name(parser)?;
        let name = parser.name("handle or string")?;
        return Ok(Command::DeleteChain(ChainName { table, name: named(name) }));
    }
    if parser.word("rule") {
        let chain = chain_name(parser)?;
        let handle = handle(parser)?;
        return Ok(Command::DeleteRule(chain, handle));
    }
    let token = parser.peek();
    if matches!(token.text.as_str(), "set" | "map" | "element" | "flowtable" | "counter" | "quota" | "ct" | "limit") {
        absent(parser);
        return Ok(Command::Nothing);
    }
    Err(parser.unexpected(""))
}

fn flush(parser: &mut Parser<'_>) -> Parsed<Command> {
    if parser.word("ruleset") {
        return Ok(Command::FlushRuleset(parser.family()?));
    }
    if parser.word("table") {
        return Ok(Command::FlushTable(table_name(parser)?));
    }
    if parser.word("chain") {
        return Ok(Command::FlushChain(chain_name(parser)?));
    }
    let token = parser.peek();
    if matches!(token.text.as_str(), "set" | "map" | "flowtable" | "meter") {
        absent(parser);
        return Ok(Command::Nothing);
    }
    Err(parser.unexpected(""))
}

fn list(parser: &mut Parser<'_>) -> Parsed<Command> {
    let token = parser.next();
    let of_other_family = matches!(parser.peek().text.as_str(), "ip6" | "arp" | "netdev");
    if of_other_family && matches!(token.text.as_str(), "ruleset" | "tables" | "chains") {
        // Families that this lab does not have hold nothing.
        parser.at += 1;
        return Ok(Command::Nothing);
    }
    Ok(match token.text.as_str() {
        "ruleset" => Command::ListRuleset(parser.family()?),
        "tables" => Command::ListTables(parser.family()?),
        "table" => Command::ListTable(table_name(parser)?),
        "chains" => Command::ListChains(parser.family()?),
        "chain" => Command::ListChain(chain_name(parser)?),
        "sets" | "maps" | "set" | "map" | "counters" | "quotas" | "limits" | "flowtables" | "hooks" | "meters"
        | "counter" | "quota" | "ct" | "limit" | "flowtable" | "synproxys" | "secmarks" => {
            parser.at -= 1;
            absent(parser);
            Command::Nothing
        }
        _ => {
            parser.at -= 1;
            return Err(parser.unexpected(""));
        }
    })
}

fn define(parser: &mut Parser<'_>) -> Parsed<Command> {
    let name = parser.name("string")?.text.clone();
    parser.need("=", "'='")?;
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    loop {
        let token = parser.peek();
        let ends = token.kind == Kind::Newline || token.is(";");
        if token.kind == Kind::End || (ends && depth == 0) {
            break;
        }
        depth += usize::from(token.is("{"));
        depth = depth.saturating_sub(usize::from(token.is("}")));
        if token.kind != Kind::Newline {
            tokens.push(token.clone());
        }
        parser.at += 1;
    }
    if tokens.is_empty() {
        return Err(parser.unexpected(""));
    }
    let end = tokens.last().map_or(0, |token| token.at.end);
    tokens.push(Token { kind: Kind::End, text: String::new(), at: end..end });
    parser.defined.push((name, tokens));
    Ok(Command::Nothing)
}
