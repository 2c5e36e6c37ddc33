//! A file has at most 600 lines, a function at most 70: what is longer has two subjects.

use syn::visit::{self, Visit};

use super::{Finding, Tree};

/// Lines of a file.
const FILE_LINES: usize = 600;
/// Lines of a function, from `fn` to its closing brace.
const FN_LINES: usize = 70;

pub(super) fn findings(tree: &Tree) -> Vec<Finding> {
    tree.sources().flat_map(|(file, text)| of_file(file, text)).collect()
}

fn of_file(file: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES {
        found.push(Finding::new(
            file,
            0,
            format!("{lines} lines; a file has at most {FILE_LINES}: split it by subject"),
        ));
    }
    match syn::parse_file(text) {
        Ok(parsed) => {
            let mut long = Long { file, found };
            long.visit_file(&parsed);
            long.found
        }
        Err(error) => {
            found.push(Finding::new(file, error.span().start().line, format!("not Rust: {error}")));
            found
        }
    }
}

struct Long<'a> {
    file: &'a str,
    found: Vec<Finding>,
}

impl Long<'_> {
    fn look(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (first, last) = (signature.fn_token.span.start().line, body.brace_token.span.close().end().line);
        let lines = last + 1 - first;
        if lines > FN_LINES {
            let text = format!("`{}` has {lines} lines; a function has at most {FN_LINES}", signature.ident);
            self.found.push(Finding::new(self.file, first, text));
        }
    }
}

impl<'ast> Visit<'ast> for Long<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.look(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.look(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.look(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_601_lines_is_found_and_one_of_600_is_not() {
        assert_eq!(of_file("a.rs", &"\n".repeat(600)), []);
        assert_eq!(of_file("a.rs", &"\n".repeat(601)).len(), 1);
    }

    #[test]
    fn a_function_of_71_lines_is_found_and_one_of_70_is_not() {
        let function =
            |lines: usize| format!("//! M\n/// D\n#[inline]\nfn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
        assert_eq!(of_file("a.rs", &function(70)), []);
        let found = of_file("a.rs", &function(71));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 4);
    }

    #[test]
    fn methods_are_measured_too() {
        let text = format!("struct S;\nimpl S {{\nfn f() {{\n{}}}\n}}\n", "g();\n".repeat(70));
        assert_eq!(of_file("a.rs", &text).len(), 1);
    }

    #[test]
    fn what_is_no_rust_is_found() {
        assert_eq!(of_file("a.rs", "fn (").len(), 1);
    }
}
