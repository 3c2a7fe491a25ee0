//! The interfaces `fault` and `fault-add`.

use super::Component;
use super::exports::nova::compute_utils::{fault, types};
use crate::fault::Failure;

impl fault::Guest for Component {
    fn exception_to_dict(fault: types::Failure, message: Option<String>) -> Result<fault::ExceptionDict, types::Error> {
        let failure = Failure::from(fault);
        let dict = crate::fault::exception_to_dict(&failure, message.as_deref())?;
        Ok(fault::ExceptionDict {
            exception: dict.exception.to_owned(),
            message: dict.message.to_owned(),
            code: dict.code.as_str().to_owned(),
        })
    }

    fn safe_truncate(value: String, length: i64) -> String {
        crate::fault::safe_truncate(&value, length).to_owned()
    }
}

#[cfg(not(feature = "component-pure"))]
mod add {
    use super::super::callbacks::{Imports, finished};
    use super::super::exports::nova::compute_utils::fault_add;
    use super::super::nova::compute_utils::conductor;
    use super::{Component, Failure, types};
    use crate::host::InstanceFaultValues;

    impl fault_add::Guest for Component {
        fn add_instance_fault_from_exc(
            config: types::Config,
            instance_uuid: String,
            fault: types::Failure,
            fault_message: Option<String>,
        ) -> Result<(), types::Error> {
            let (config, fault, message) = (config.into(), Failure::from(fault), fault_message.as_deref());
            finished(crate::fault::add_instance_fault_from_exc(&Imports, &config, &instance_uuid, &fault, message))
        }
    }

    impl From<&InstanceFaultValues> for conductor::InstanceFaultValues {
        fn from(values: &InstanceFaultValues) -> Self {
            let InstanceFaultValues { instance_uuid, code, message, details, host } = values.clone();
            Self { instance_uuid, code, message, details, host }
        }
    }
}
