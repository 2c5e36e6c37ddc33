//! A filter as text, in one way of writing: what is read back is the same filter.

use core::fmt;

use super::{Expr, Filter, Op, Right};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.as_ref().map_or(Ok(()), |expr| write!(f, "{expr}"))
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::AllEq => "===",
            Self::AnyNe => "!==",
            Self::Gt => ">",
            Self::Lt => "<",
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::Contains => "contains",
        })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => joined(f, parts, " || ", |part| matches!(part, Self::Or(_))),
            Self::And(parts) => joined(f, parts, " && ", |part| matches!(part, Self::Or(_) | Self::And(_))),
            Self::Not(inner) => match **inner {
                Self::Has(_) | Self::Not(_) => write!(f, "!{inner}"),
                _ => write!(f, "!({inner})"),
            },
            Self::Has(name) => f.write_str(name.0.name),
            Self::Bits(name, mask) => write!(f, "{} & {mask:#x}", name.0.name),
            Self::Test { left, mask, op, right } => {
                f.write_str(left.0.name)?;
                if let Some(mask) = mask {
                    write!(f, " & {mask:#x}")?;
                }
                match right {
                    Right::Literal(literal) => write!(f, " {op} {literal}"),
                    Right::Field(name) => write!(f, " {op} {}", name.0.name),
                }
            }
            Self::In { left, not, set } => {
                write!(f, "{}{} in {{", left.0.name, if *not { " not" } else { "" })?;
                for (at, (from, to)) in set.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    match to {
                        Some(to) => write!(f, "{comma}{from} .. {to}")?,
                        None => write!(f, "{comma}{from}")?,
                    }
                }
                f.write_str("}")
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], sign: &str, inside: impl Fn(&Expr) -> bool) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(sign)?;
        }
        if inside(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}
