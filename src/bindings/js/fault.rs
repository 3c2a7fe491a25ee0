//! Failures, and the instance faults that record them.

use std::prelude::v1::*;

use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::*;

use super::compute_utils::ComputeUtils;
use super::error::{Description, Result};
use super::options::{self, Member, OptionalJson, Reader, options, record};
use super::record::{ToJs, object};
use super::typescript::Type;
use super::value::from_json;
use crate::Context;
use crate::fault::{self, Failure};

record! {
    /// A failure as data: the parts of an exception and its traceback that Nova reads.
    pub interface Failure for Failure {
        /// The name of the class, without its module: `NoValidHost`.
        class_name: String,
        /// The failure as a string: Python's `str(e)`.
        text: String,
        /// The keyword argument `code` of the exception; absent when it has none, and then the code of a fault is 500.
        code: OptionalJson,
        /// The keyword argument `value` of the exception, the text of an error that came over RPC; absent when it has
        /// none. `grizzly` only.
        value: OptionalJson,
        /// The result of `format_message()`. `hibiscus` only.
        formatted_message: Option<String>,
        /// Python's `repr(e)` [default: made of class name and text].
        representation: Option<String>,
        /// The formatted stack frames, without heading and closing line.
        traceback: Option<String>,
        /// The exception as the interpreter prints it [default: made of traceback, class name and text].
        formatted_exception: Option<String>,
    }
}

/// A thrown value as a failure: a `Failure` record, or any JavaScript value. The name, message and stack of an error
/// become class name, text and traceback. The code of a `NovaError` becomes the class name, and its message becomes the
/// formatted message.
pub struct Fault(pub Failure);

impl Member for Fault {
    const TYPE: Type = Type::Unknown;

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let is_record = member(&value, "class_name").is_string();
        Self(if is_record { Failure::read(value, reader) } else { failure_of_error(&value) })
    }
}

fn failure_of_error(thrown: &JsValue) -> Failure {
    let Description { code, message, .. } = Description::of(thrown);
    let name = member(thrown, "name").as_string();
    let is_nova = name.as_deref() == Some("NovaError");
    let class_name = if is_nova { code } else { name.unwrap_or(code) };
    let stack = member(thrown, "stack").as_string();
    Failure {
        formatted_message: is_nova.then(|| message.clone()),
        traceback: stack.as_deref().map(frames),
        formatted_exception: stack,
        ..Failure::new(class_name, message)
    }
}

fn member(value: &JsValue, name: &str) -> JsValue {
    if !value.is_object() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// Returns the lines of a stack that are frames: V8 writes `at …`, the other engines `…@…`.
fn frames(stack: &str) -> String {
    let is_frame = |line: &&str| line.trim_start().starts_with("at ") || line.contains('@');
    stack.lines().filter(is_frame).flat_map(|line| [line, "\n"]).collect()
}

options! {
    /// The failure, and the message for tenants.
    pub struct ExceptionToDictOptions {
        /// Any thrown value or a `Failure`.
        fault: Fault,
        /// Replaces the message of the failure.
        message: Option<String>,
    }
}

/// Returns the part of a failure that notifications and faults carry. Nova: `exception_to_dict` in `hibiscus`.
///
/// The message is the argument unless that is null or empty, otherwise the formatted message, otherwise the class name.
/// The text of the failure is not a fallback, because it can contain details that tenants must not see.
#[wasm_bindgen(js_name = exceptionToDict, unchecked_return_type = "ExceptionDict")]
pub fn exception_to_dict(
    #[wasm_bindgen(unchecked_param_type = "ExceptionToDictOptions")] options: &JsValue,
) -> Result<JsValue> {
    let ExceptionToDictOptions { fault: Fault(failure), message } = options::read(options)?;
    let dict = fault::exception_to_dict(&failure, message.as_deref())?;
    Ok(object(&[
        ("exception", dict.exception.to_js()),
        ("message", dict.message.to_js()),
        ("code", from_json(dict.code.as_str())?),
    ]))
}

options! {
    /// The string to truncate.
    pub struct SafeTruncateOptions {
        /// The string.
        value: String,
        /// The number of bytes of UTF-8 to keep; when negative, the number of bytes to drop at the end.
        length: i64,
    }
}

/// Returns the longest prefix of a string that has at most `length` bytes and ends at a character boundary. A negative
/// length counts from the end. Nova: `safe_truncate` in `hibiscus`.
#[wasm_bindgen(js_name = safeTruncate)]
pub fn safe_truncate(
    #[wasm_bindgen(unchecked_param_type = "SafeTruncateOptions")] options: &JsValue,
) -> Result<String> {
    let SafeTruncateOptions { value, length } = options::read(options)?;
    Ok(fault::safe_truncate(&value, length).to_owned())
}

options! {
    /// The fault to record.
    pub struct AddInstanceFaultFromExcOptions {
        context: Option<Context>,
        /// The instance.
        instance_uuid: String,
        /// Any thrown value or a `Failure`.
        fault: Fault,
        /// Replaces the message of the failure. `hibiscus` only.
        fault_message: Option<String>,
    }
}

#[wasm_bindgen]
impl ComputeUtils {
    /// Records a fault of an instance. Nova: `add_instance_fault_from_exc`.
    #[wasm_bindgen(js_name = addInstanceFaultFromExc, unchecked_return_type = "Promise<void>")]
    pub fn add_instance_fault_from_exc(
        &self,
        #[wasm_bindgen(unchecked_param_type = "AddInstanceFaultFromExcOptions")] options: JsValue,
    ) -> Promise {
        self.call(async move |config, services| {
            let options: AddInstanceFaultFromExcOptions = options::read(&options)?;
            let (context, Fault(failure)) = (options.context.unwrap_or_default(), options.fault);
            let (release, host, message) = (config.release, &config.host, options.fault_message.as_deref());
            let uuid = &options.instance_uuid;
            Ok(fault::add_instance_fault_from_exc(services, &context, release, host, uuid, &failure, message).await?)
        })
    }
}

/// A value that the body of `reportEvent` threw.
pub struct BodyError(pub JsValue);

impl From<&BodyError> for Failure {
    fn from(BodyError(thrown): &BodyError) -> Self {
        options::value(thrown, "fault")
            .map_or_else(|_| Self::new("Error", "the body threw a value that cannot be read"), |Fault(failure)| failure)
    }
}
