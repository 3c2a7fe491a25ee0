use super::{Host, Instance, exports};
use crate::error::{Error, one_line};

use exports::fault::ExceptionDict;
use exports::types::{Config as NovaConfig, Failure};

exported! {
    |answer| answer.map_err(Error::Nova);

    /// What a notification or a fault says of a failure.
    nova_compute_utils_fault call_exception_to_dict
    exception_to_dict(fault: &Failure, message: Option<&str>) -> ExceptionDict;

    /// Record what befell an instance.
    nova_compute_utils_fault_add call_add_instance_fault_from_exc
    add_instance_fault_from_exc(
        config: &NovaConfig,
        instance_uuid: &str,
        fault: &Failure,
        fault_message: Option<&str>
    ) -> ();
}

exported! {
    |answer| Ok(answer);

    /// The first bytes of a text, as many as `length` says and no split character.
    nova_compute_utils_fault call_safe_truncate
    safe_truncate(value: &str, length: i64) -> String;
}
