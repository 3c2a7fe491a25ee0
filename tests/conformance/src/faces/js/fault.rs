//! Failures and faults.

use anyhow::Result;
use nova_compute_utils::Config;
use nova_compute_utils::fault::Failure;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::options::{self, Options};
use super::{JsFace, text};
use crate::faces::Answer;
use crate::faces::fault::{FaultFace, exception_dict};

impl FaultFace for JsFace {
    fn exception_to_dict(&mut self, fault: &Failure, message: Option<&str>) -> Result<Answer> {
        #[derive(Deserialize)]
        struct ExceptionDict<'a> {
            exception: String,
            message: String,
            #[serde(borrow)]
            code: &'a RawValue,
        }
        let options = Options::new().value("fault", &options::failure(fault)).optional("message", message);
        Ok(match self.call("exceptionToDict", &options.finish())? {
            Ok(answer) => {
                let dict: ExceptionDict<'_> = serde_json::from_str(&answer)?;
                Ok(exception_dict(&dict.exception, &dict.message, dict.code.get()))
            }
            Err(failure) => Err(failure),
        })
    }

    fn safe_truncate(&mut self, value: &str, length: i64) -> Result<Answer> {
        let options = Options::new().text("value", value).value("length", &length.to_string());
        text(self.call("safeTruncate", &options.finish())?)
    }

    fn add_instance_fault_from_exc(
        &mut self,
        config: &Config,
        instance_uuid: &str,
        fault: &Failure,
        fault_message: Option<&str>,
    ) -> Result<Answer<()>> {
        let options = Options::new()
            .text("instanceUuid", instance_uuid)
            .value("fault", &options::failure(fault))
            .optional("faultMessage", fault_message);
        Ok(Self::done(self.method(config, "addInstanceFaultFromExc", &options)?))
    }
}
