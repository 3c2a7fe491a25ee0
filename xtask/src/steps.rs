//! Named steps, run in order up to the first that fails.

use anyhow::{Context, Result};

/// A name and an action.
pub type Step<'a> = (&'a str, &'a dyn Fn() -> Result<()>);

/// Runs the steps of a subcommand under headings. The error names the step.
pub fn run(subcommand: &str, steps: &[Step<'_>]) -> Result<()> {
    for (name, action) in steps {
        eprintln!("\n== {subcommand}: {name}");
        action().with_context(|| format!("{subcommand} failed at the step \"{name}\""))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn stops_at_the_first_step_that_fails_and_names_it() {
        let third_ran = Cell::new(false);
        let third = || {
            third_ran.set(true);
            Ok(())
        };
        let steps: [Step<'_>; 3] = [("good", &|| Ok(())), ("bad", &|| anyhow::bail!("why")), ("third", &third)];
        let error = run("test", &steps).expect_err("a step fails");
        assert_eq!(format!("{error:#}"), "test failed at the step \"bad\": why");
        assert!(!third_ran.get());
    }
}
