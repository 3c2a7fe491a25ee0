//! Failures and faults.

use anyhow::Result;
use nova_compute_utils::Config;
use nova_compute_utils::fault::{self, Failure};

use super::{NativeFace, failure, finished};
use crate::faces::Answer;
use crate::faces::fault::{FaultFace, exception_dict};

impl FaultFace for NativeFace {
    fn exception_to_dict(&mut self, fault: &Failure, message: Option<&str>) -> Result<Answer> {
        let dict = fault::exception_to_dict(fault, message);
        Ok(dict.map(|dict| exception_dict(dict.exception, dict.message, dict.code.as_str())).map_err(failure))
    }

    fn safe_truncate(&mut self, value: &str, length: i64) -> Result<Answer> {
        Ok(Ok(fault::safe_truncate(value, length).to_owned()))
    }

    fn add_instance_fault_from_exc(
        &mut self,
        config: &Config,
        instance_uuid: &str,
        fault: &Failure,
        fault_message: Option<&str>,
    ) -> Result<Answer<()>> {
        finished(fault::add_instance_fault_from_exc(&self.script, config, instance_uuid, fault, fault_message))
    }
}
