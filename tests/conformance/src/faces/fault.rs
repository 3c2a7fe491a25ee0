//! Failures and faults.

use anyhow::Result;
use nova_compute_utils::Config;
use nova_compute_utils::fault::Failure;

use super::Answer;

/// The functions of the module `fault`.
pub trait FaultFace {
    /// Nova: `exception_to_dict`. As JSON, the exception by the name of its class.
    fn exception_to_dict(&mut self, fault: &Failure, message: Option<&str>) -> Result<Answer>;

    /// Nova: `safe_truncate`.
    fn safe_truncate(&mut self, value: &str, length: i64) -> Result<Answer>;

    /// Nova: `add_instance_fault_from_exc`.
    fn add_instance_fault_from_exc(
        &mut self,
        config: &Config,
        instance_uuid: &str,
        fault: &Failure,
        fault_message: Option<&str>,
    ) -> Result<Answer<()>>;
}

/// What `exception_to_dict` gives, as the vectors write it.
pub(super) fn exception_dict(exception: &str, message: &str, code: &str) -> String {
    let text = crate::json::from_text;
    format!(r#"{{"exception": {{"$exception": {}}}, "message": {}, "code": {code}}}"#, text(exception), text(message))
}
