;; A policy that speaks protocol v1, takes any settings, and looks one ServiceAccount up for each request:
;; it accepts where the host gives it, and fails with the host's words where not.
(module
  (import "wapc" "__guest_response" (func $respond (param i32 i32)))
  (import "wapc" "__guest_error" (func $fail (param i32 i32)))
  (import "wapc" "__host_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_error_len" (func $error_len (result i32)))
  (import "wapc" "__host_error" (func $error (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\"v1\"")
  (data (i32.const 100) "{\"valid\":true}")
  (data (i32.const 200) "{\"accepted\":true,\"mutated_object\":{\"kind\":\"Pod\",\"added\":1},\"warnings\":[\"w\"]}")
  (data (i32.const 300) "kubewarden")
  (data (i32.const 400) "kubernetes")
  (data (i32.const 500) "get_resource")
  (data (i32.const 600) "{\"api_version\":\"v1\",\"kind\":\"ServiceAccount\",\"name\":\"app\",\"namespace\":\"web\",\"disable_cache\":false}")
  ;; The operations differ in length: validate 8, protocol_version 16, validate_settings 17.
  (func (export "__guest_call") (param $operation i32) (param $payload i32) (result i32)
    (if (i32.eq (local.get $operation) (i32.const 16))
      (then (call $respond (i32.const 0) (i32.const 4)) (return (i32.const 1))))
    (if (i32.eq (local.get $operation) (i32.const 17))
      (then (call $respond (i32.const 100) (i32.const 14)) (return (i32.const 1))))
    (if (call $call
          (i32.const 300) (i32.const 10) (i32.const 400) (i32.const 10)
          (i32.const 500) (i32.const 12) (i32.const 600) (i32.const 97))
      (then (call $respond (i32.const 200) (i32.const 76)) (return (i32.const 1))))
    (call $error (i32.const 1000))
    (call $fail (i32.const 1000) (call $error_len))
    (i32.const 0)))
