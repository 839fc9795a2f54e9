;; A policy that speaks protocol v1, takes any settings, and asks for a permission for each request:
;; it fails with the host's answer, be it one or an error.
(module
  (import "wapc" "__guest_response" (func $respond (param i32 i32)))
  (import "wapc" "__guest_error" (func $fail (param i32 i32)))
  (import "wapc" "__host_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_response_len" (func $answer_len (result i32)))
  (import "wapc" "__host_response" (func $answer (param i32)))
  (import "wapc" "__host_error_len" (func $error_len (result i32)))
  (import "wapc" "__host_error" (func $error (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\"v1\"")
  (data (i32.const 100) "{\"valid\":true}")
  (data (i32.const 300) "kubewarden")
  (data (i32.const 400) "kubernetes")
  (data (i32.const 500) "can_i")
  (data (i32.const 600) "{\"subject_access_review\":{\"groups\":[\"system:authenticated\"],\"resource_attributes\":{\"group\":\"cid.wi.aks.azure.com\",\"name\":null,\"namespace\":null,\"resource\":\"8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11\",\"subresource\":null,\"verb\":\"use-managed-identity\",\"version\":null},\"user\":\"system:serviceaccount:web:api\"},\"disable_cache\":true}")
  ;; The operations differ in length: validate 8, protocol_version 16, validate_settings 17.
  (func (export "__guest_call") (param $operation i32) (param $payload i32) (result i32)
    (if (i32.eq (local.get $operation) (i32.const 16))
      (then (call $respond (i32.const 0) (i32.const 4)) (return (i32.const 1))))
    (if (i32.eq (local.get $operation) (i32.const 17))
      (then (call $respond (i32.const 100) (i32.const 14)) (return (i32.const 1))))
    (if (call $call
          (i32.const 300) (i32.const 10) (i32.const 400) (i32.const 10)
          (i32.const 500) (i32.const 5) (i32.const 600) (i32.const 319))
      (then
        (call $answer (i32.const 1000))
        (call $fail (i32.const 1000) (call $answer_len)))
      (else
        (call $error (i32.const 1000))
        (call $fail (i32.const 1000) (call $error_len))))
    (i32.const 0)))
