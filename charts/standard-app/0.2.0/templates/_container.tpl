{{/* What every container has to bear, whoever wrote it. */}}
{{- define "security-context" -}}
privileged: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: {{ .Values.user | int64 }}
runAsGroup: {{ .Values.user | int64 }}
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Requests and limits: dict "resources" "disk". */}}
{{- define "resources" -}}
{{- $gpu := .resources.gpu -}}
requests:
  cpu: {{ .resources.cpu | quote }}
  memory: {{ .resources.memory | quote }}
  ephemeral-storage: 64Mi
  {{- with $gpu }}
  nvidia.com/gpu: {{ . | quote }}
  {{- end }}
limits:
  cpu: {{ .resources.cpuLimit | default .resources.cpu | quote }}
  memory: {{ .resources.memory | quote }}
  ephemeral-storage: {{ .disk | quote }}
  {{- with $gpu }}
  nvidia.com/gpu: {{ . | quote }}
  {{- end }}
{{- end }}

{{/* Environment variables: list . env container. Of a Secret that a store fills, a hook takes its own copy. */}}
{{- define "env" -}}
{{- $root := index . 0 -}}
{{- $container := index . 2 -}}
{{- $hook := index . 3 -}}
{{- range $name, $value := index . 1 }}
- name: {{ $name | quote }}
  {{- if kindIs "string" $value }}
  value: {{ $value | quote }}
  {{- else if $value.secret }}
  valueFrom: {secretKeyRef: {name: {{ include "secret-name" (list $root $value.secret $hook) | quote }}, key: {{ $value.key | quote }}}}
  {{- else if $value.configMap }}
  valueFrom: {configMapKeyRef: {name: {{ $value.configMap | quote }}, key: {{ $value.key | quote }}}}
  {{- else if $value.field }}
  valueFrom: {fieldRef: {apiVersion: v1, fieldPath: {{ $value.field | quote }}}}
  {{- else }}
  valueFrom: {resourceFieldRef: {containerName: {{ $container | quote }}, resource: {{ $value.resource | quote }}, divisor: {{ $value.divisor | quote }}}}
  {{- end }}
{{- end }}
{{- end }}

{{- define "env-from" -}}
{{- $root := index . 0 -}}
{{- $hook := index . 1 -}}
{{- range $root.Values.envFrom }}
- {{ if .secret }}secretRef{{ else }}configMapRef{{ end }}:
    name: {{ if .secret }}{{ include "secret-name" (list $root .secret $hook) | quote }}{{ else }}{{ .configMap | quote }}{{ end }}
    {{- if .optional }}
    optional: true
    {{- end }}
  {{- with .prefix }}
  prefix: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The name of a Secret: list . name is-for-a-hook. */}}
{{- define "secret-name" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $external := false -}}
{{- range $root.Values.externalSecrets }}{{ if eq .name $name }}{{ $external = true }}{{ end }}{{ end -}}
{{- if and (index . 2) $external $root.Values.migrate -}}
{{ include "hooks" $root }}-{{ $name }}
{{- else -}}
{{ $name }}
{{- end -}}
{{- end }}

{{/* One probe's question: list . probe. */}}
{{- define "probe" -}}
{{- $root := index . 0 -}}
{{- $probe := index . 1 -}}
{{- if kindIs "slice" $probe }}
exec: {command: {{ toJson $probe }}}
{{- else if kindIs "map" $probe }}
httpGet:
  path: {{ $probe.path | quote }}
  port: {{ $probe.port | default $root.Values.port }}
  {{- with $probe.headers }}
  httpHeaders:
    {{- range $name, $value := . }}
    - {name: {{ $name | quote }}, value: {{ $value | quote }}}
    {{- end }}
  {{- end }}
{{- else if eq $probe "tcp" }}
tcpSocket: {port: {{ $root.Values.port }}}
{{- else if eq $probe "grpc" }}
grpc: {port: {{ $root.Values.port }}}
{{- else }}
httpGet: {path: {{ $probe | quote }}, port: {{ include "port-name" $root }}}
{{- end }}
{{- end }}

{{- define "port-name" -}}
{{ .Values.protocol }}
{{- end }}

{{- define "probes" -}}
{{- $health := .Values.health -}}
{{- $period := $health.periodSeconds | default 5 -}}
startupProbe:
  {{- include "probe" (list . $health.readiness) | trim | nindent 2 }}
  periodSeconds: 2
  timeoutSeconds: {{ $health.timeoutSeconds | default 2 }}
  failureThreshold: {{ div (add ($health.startSeconds | default 120) 1) 2 }}
readinessProbe:
  {{- include "probe" (list . $health.readiness) | trim | nindent 2 }}
  periodSeconds: {{ $period }}
  timeoutSeconds: {{ $health.timeoutSeconds | default 2 }}
livenessProbe:
  {{- include "probe" (list . $health.liveness) | trim | nindent 2 }}
  periodSeconds: {{ mul $period 2 }}
  timeoutSeconds: {{ $health.timeoutSeconds | default 2 }}
  failureThreshold: {{ $health.failures | default 6 }}
{{- end }}

{{/* A container: dict "root" "name" "image" "resources" and optionally "command" "args" "env" "main" "hook" "apart". */}}
{{- define "container" -}}
{{- $root := .root -}}
{{- $shares := not .apart -}}
name: {{ .name | quote }}
image: {{ .image | quote }}
imagePullPolicy: Always
# The end of its log is its message, if it wrote none: a crash then says why.
terminationMessagePolicy: FallbackToLogsOnError
{{- with .command }}
command: {{ toJson . }}
{{- end }}
{{- with .args }}
args: {{ toJson . }}
{{- end }}
{{- if and .main $root.Values.workingDir }}
workingDir: {{ $root.Values.workingDir | quote }}
{{- end }}
{{- $metrics := ($root.Values.metrics | default dict).port }}
{{- if and .main (not .hook) (or $root.Values.port $metrics) }}
ports:
  {{- with $root.Values.port }}
  - {name: {{ include "port-name" $root }}, containerPort: {{ . }}, protocol: TCP}
  {{- end }}
  {{- range $root.Values.ports }}
  - {name: {{ .name | quote }}, containerPort: {{ .port }}, protocol: {{ if eq .protocol "udp" }}UDP{{ else }}TCP{{ end }}}
  {{- end }}
  {{- with $metrics }}
  - {name: metrics, containerPort: {{ . }}, protocol: TCP}
  {{- end }}
{{- end }}
{{- with .env }}
env:
  {{- include "env" (list $root . $.name $.hook) | trim | nindent 2 }}
{{- end }}
{{- if and $shares $root.Values.envFrom }}
envFrom:
  {{- include "env-from" (list $root .hook) | trim | nindent 2 }}
{{- end }}
securityContext:
  {{- include "security-context" $root | nindent 2 }}
resources:
  {{- include "resources" (dict "resources" .resources "disk" (.disk | default "256Mi")) | nindent 2 }}
{{- if and .main (not .hook) $root.Values.health }}
{{ include "probes" $root }}
{{- end }}
{{- if and .main (not .hook) (has $root.Values.workload (list "web" "worker" "stateful")) }}
lifecycle:
  preStop:
    {{- if $root.Values.stop.command }}
    exec: {command: {{ toJson $root.Values.stop.command }}}
    {{- else }}
    # Endpoints are told of the end at the same moment as the container: this is for the slower ones.
    sleep: {seconds: 5}
    {{- end }}
{{- end }}
volumeMounts:
  {{- include "mounts" (dict "root" $root "hook" .hook "apart" .apart) | trim | nindent 2 }}
{{- end }}
