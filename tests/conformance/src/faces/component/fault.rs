//! Failures and faults.

use anyhow::Result;
use nova_compute_utils::Config;
use nova_compute_utils::fault::Failure;

use super::{ComponentFace, config_record};
use crate::faces::Answer;
use crate::faces::action::failure_record;
use crate::faces::fault::{FaultFace, exception_dict};

impl FaultFace for ComponentFace {
    fn exception_to_dict(&mut self, fault: &Failure, message: Option<&str>) -> Result<Answer> {
        let fault = failure_record(fault);
        let dict = self.call(async |nova| nova.exception_to_dict(&fault, message).await)?;
        Ok(dict.map(|dict| exception_dict(&dict.exception, &dict.message, &dict.code)))
    }

    fn safe_truncate(&mut self, value: &str, length: i64) -> Result<Answer> {
        self.call(async |nova| nova.safe_truncate(value, length).await)
    }

    fn add_instance_fault_from_exc(
        &mut self,
        config: &Config,
        instance_uuid: &str,
        fault: &Failure,
        fault_message: Option<&str>,
    ) -> Result<Answer<()>> {
        let (config, fault) = (config_record(config), failure_record(fault));
        self.call(async |nova| nova.add_instance_fault_from_exc(&config, instance_uuid, &fault, fault_message).await)
    }
}
