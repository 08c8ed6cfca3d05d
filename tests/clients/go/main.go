// A client in Go: net/http for REST, grpc-go for gRPC.
//
//	client REST_URL GRPC_TARGET MODEL DESCRIPTORS TEXT...
//
// DESCRIPTORS is a FileDescriptorSet of TensorFlow Serving's services. The API key is in GREENLIGHT_API_KEY.
// Writes one JSON object with what the server answered.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const patience = time.Minute

type object = map[string]any

var key = os.Getenv("GREENLIGHT_API_KEY")

func main() {
	restURL, target, model, descriptors, texts := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5:]
	answers := object{
		"rest": overREST(restURL, model, texts),
		"grpc": overGRPC(target, model, descriptors, texts),
	}
	check(json.NewEncoder(os.Stdout).Encode(answers))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// --- REST

// restServer is the part of the address that all requests share.
type restServer string

// ask sends a request; with a nil body it is a GET.
func (server restServer) ask(path string, body any, authorized bool) (int, object) {
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		encoded, err := json.Marshal(body)
		check(err)
		method, content = http.MethodPost, bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, string(server)+path, content)
	check(err)
	request.Header.Set("Content-Type", "application/json")
	if authorized {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := (&http.Client{Timeout: patience}).Do(request)
	check(err)
	defer response.Body.Close()
	var answer object
	check(json.NewDecoder(response.Body).Decode(&answer))
	return response.StatusCode, answer
}

func overREST(url, model string, texts []string) object {
	server := restServer(url + "/v1/models/")
	_, predicted := server.ask(model+":predict", object{"instances": texts}, true)
	_, state := server.ask(model, nil, true)
	unknown, _ := server.ask("unknown:predict", object{"instances": texts}, true)
	wrongType, _ := server.ask(model+":predict", object{"instances": []int{1}}, true)
	withoutKey, _ := server.ask(model, nil, false)
	var probabilities, labels []any
	for _, each := range predicted["predictions"].([]any) {
		probabilities = append(probabilities, each.(object)["probability"])
		labels = append(labels, each.(object)["label"])
	}
	live := state["model_version_status"].([]any)[0].(object)
	version, err := strconv.Atoi(live["version"].(string))
	check(err)
	return object{
		"probabilities": probabilities, "labels": labels, "version": version, "state": live["state"],
		"unknown_model": unknown, "wrong_type": wrongType, "without_key": withoutKey,
	}
}

// --- gRPC

// grpcServer calls methods whose messages are known from descriptors only, as JSON.
type grpcServer struct {
	connection *grpc.ClientConn
	files      *protoregistry.Files
}

func connect(target, descriptors string) grpcServer {
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	encoded, err := os.ReadFile(descriptors)
	check(err)
	set := &descriptorpb.FileDescriptorSet{}
	check(proto.Unmarshal(encoded, set))
	files, err := protodesc.NewFiles(set)
	check(err)
	return grpcServer{connection, files}
}

func (server grpcServer) call(service, method string, body any, authorized bool) (object, error) {
	found, err := server.files.FindDescriptorByName(protoreflect.FullName(service))
	check(err)
	described := found.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(method))
	request, answer := dynamicpb.NewMessage(described.Input()), dynamicpb.NewMessage(described.Output())
	encoded, err := json.Marshal(body)
	check(err)
	check(protojson.Unmarshal(encoded, request))
	timed, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if authorized {
		timed = metadata.AppendToOutgoingContext(timed, "authorization", "Bearer "+key)
	}
	if err := server.connection.Invoke(timed, fmt.Sprintf("/%s/%s", service, method), request, answer); err != nil {
		return nil, err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(answer)
	check(err)
	var decoded object
	check(json.Unmarshal(text, &decoded))
	return decoded, nil
}

func (server grpcServer) predict(model string, tensor object, authorized bool) (object, error) {
	body := object{"model_spec": object{"name": model}, "inputs": object{"text": tensor}}
	return server.call("tensorflow.serving.PredictionService", "Predict", body, authorized)
}

func overGRPC(target, model, descriptors string, texts []string) object {
	server := connect(target, descriptors)
	defer server.connection.Close()
	answer, err := server.predict(model, stringTensor(texts), true)
	check(err)
	spec := object{"model_spec": object{"name": model}}
	state, err := server.call("tensorflow.serving.ModelService", "GetModelStatus", spec, true)
	check(err)
	numbers := object{"dtype": "DT_FLOAT", "tensor_shape": shape(1), "float_val": []float32{1}}
	_, unknown := server.predict("unknown", stringTensor(texts), true)
	_, wrongType := server.predict(model, numbers, true)
	_, withoutKey := server.predict(model, stringTensor(texts), false)
	outputs := answer["outputs"].(object)
	version, err := strconv.Atoi(answer["model_spec"].(object)["version"].(string))
	check(err)
	return object{
		"probabilities": outputs["probability"].(object)["float_val"],
		"labels":        decoded(outputs["label"].(object)["string_val"].([]any)),
		"version":       version,
		"state":         state["model_version_status"].([]any)[0].(object)["state"],
		"unknown_model": codeOf(unknown), "wrong_type": codeOf(wrongType), "without_key": codeOf(withoutKey),
		"health": server.health(),
	}
}

func (server grpcServer) health() string {
	timed, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := healthpb.NewHealthClient(server.connection).Check(timed, &healthpb.HealthCheckRequest{})
	check(err)
	return answer.GetStatus().String()
}

// codeOf is the code's name as in the specification of gRPC.
func codeOf(err error) string {
	names := map[string]string{
		"NotFound": "NOT_FOUND", "InvalidArgument": "INVALID_ARGUMENT", "Unauthenticated": "UNAUTHENTICATED",
	}
	name := status.Code(err).String()
	if known, found := names[name]; found {
		return known
	}
	return name
}

func shape(size int) object {
	return object{"dim": []object{{"size": size}}}
}

func stringTensor(texts []string) object {
	encoded := make([][]byte, len(texts))
	for place, text := range texts {
		encoded[place] = []byte(text)
	}
	return object{"dtype": "DT_STRING", "tensor_shape": shape(len(texts)), "string_val": encoded}
}

func decoded(values []any) []string {
	var found [][]byte
	text, err := json.Marshal(values)
	check(err)
	check(json.Unmarshal(text, &found)) // base64
	var texts []string
	for _, each := range found {
		texts = append(texts, string(each))
	}
	return texts
}
