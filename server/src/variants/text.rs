//! The form of a variant and its text are two sides of one definition. Each answer carries a digest of
//! what both were when they were last in step, so that the next one knows which was changed.

use app::{
    api::variants::{VariantForm, seen},
    error::AppError,
};
use domain::variant;

use super::sent::Task;

const TAKEN: &str = "The form has what the text says. Nothing is saved yet.";
const BOTH: &str = "form and text were both changed, differently: take the text over, or undo the change of the text, and go on then";

/// Brings the form in step with the text: takes over a text that was changed alone, or where somebody
/// asks for that. Where both were changed somebody has to choose, but for a page with script, in which
/// the side that is typed into wins.
pub(super) fn step(form: &mut VariantForm, task: &Task, text: Option<(String, String)>) {
    let Some((text, former)) = text else { return };
    let text_changed = seen(&text) != former;
    let form_changed = form.seen() != former;
    match task {
        Task::Take | Task::Text => take(form, text),
        _ if !text_changed => return,
        _ if !form_changed => take(form, text),
        // A text that nobody can read is kept as it is typed, whatever becomes of the form.
        _ if variant::parse(&text).is_err() => take(form, text),
        Task::Form | Task::Search => return,
        _ => {
            form.error = Some(AppError::Conflict { message: BOTH.to_owned() });
            form.typed = Some(text);
        }
    }
    if *task == Task::Take && form.problems.is_empty() {
        form.notice = Some(TAKEN);
    }
}

/// Fills the form from a text, or keeps the text with its problems.
fn take(form: &mut VariantForm, text: String) {
    match variant::parse(&text) {
        Ok(definition) => form.fill(&definition),
        Err(problems) => {
            form.problems = problems;
            form.typed = Some(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> VariantForm {
        let mut form = VariantForm::starter();
        form.fill(&variant::parse(text).unwrap());
        form
    }

    fn hostname(form: &VariantForm) -> Option<String> {
        form.definition().hostname
    }

    const A: &str = "hostname = \"a\"\n";
    const B: &str = "hostname = \"b\"\n";
    const BROKEN: &str = "hostname = ";

    #[test]
    fn a_text_that_was_changed_alone_is_taken_over() {
        for task in [Task::Save, Task::Look, Task::Form, Task::Text, Task::Take] {
            let mut form = filled(A);
            step(&mut form, &task, Some((B.to_owned(), seen(A))));
            assert_eq!(hostname(&form).as_deref(), Some("b"), "{task:?}");
            assert_eq!(form.notice.is_some(), task == Task::Take);
        }
    }

    #[test]
    fn a_form_that_was_changed_alone_stays() {
        let mut form = filled(B);
        step(&mut form, &Task::Save, Some((A.to_owned(), seen(A))));
        assert_eq!((hostname(&form).as_deref(), form.error), (Some("b"), None));
    }

    #[test]
    fn who_changed_both_has_to_choose() {
        let both = "hostname = \"c\"\n";
        let after = |task: Task, text: &str| {
            let mut form = filled(B);
            step(&mut form, &task, Some((text.to_owned(), seen(A))));
            form
        };
        let form = after(Task::Save, both);
        assert!(form.error.is_some() && form.text() == both, "{form:?}");
        let form = after(Task::Form, both);
        assert_eq!((hostname(&form).as_deref(), form.error), (Some("b"), None));
        assert_eq!(hostname(&after(Task::Take, both)).as_deref(), Some("c"));
        let form = after(Task::Form, BROKEN);
        assert_eq!((hostname(&form).as_deref(), &*form.text()), (Some("b"), BROKEN));
        assert_eq!(form.problems.len(), 1);
    }
}
