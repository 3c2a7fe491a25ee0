//! Named steps, one after the other, up to the first that fails.

use anyhow::{Context, Result};

/// A name, and what to do.
pub type Step<'a> = (&'a str, &'a dyn Fn() -> Result<()>);

/// Run them all under headings; the error names the step.
pub fn run(verb: &str, steps: &[Step<'_>]) -> Result<()> {
    for (name, step) in steps {
        eprintln!("\n== {verb}: {name}");
        step().with_context(|| format!("{verb} failed at the step \"{name}\""))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_first_failing_step_is_named_and_the_last_one() {
        let after = Cell::new(false);
        let error = run(
            "test",
            &[
                ("good", &|| Ok(())),
                ("bad", &|| anyhow::bail!("why")),
                ("after", &|| {
                    after.set(true);
                    Ok(())
                }),
            ],
        )
        .expect_err("a step fails");
        assert_eq!(format!("{error:#}"), "test failed at the step \"bad\": why");
        assert!(!after.get());
    }
}
